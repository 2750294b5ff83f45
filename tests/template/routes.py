"""infra/routes.yaml, made from the routes of the code."""

import gateway

HEADER = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: 'SikkerKey: the routes of the HTTP API'

# Made from the code's routes by `tests/template/run --write`; a test fails when the two differ. For each function its
# integration, the API's right to invoke it, and its routes. Where all below a path is of one function there is one route
# for it, and the function answers 404 to what it does not know. The gateway authenticates nobody: what a caller has to show
# (a machine's or an agent's signature, a one-time token, a session) is different for each plane, and the function sees to it.

Parameters:
  Prefix:
    Type: String
    Description: The deployment's name, with which the names of its functions begin
  ApiId:
    Type: String
    Description: The HTTP API

Resources:"""

FUNCTION = """
  # {name}
  {camel}:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref ApiId
      IntegrationType: AWS_PROXY
      PayloadFormatVersion: '2.0'
      IntegrationUri: !Sub arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{Prefix}}-{name}
  {camel}Permission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Sub ${{Prefix}}-{name}
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{ApiId}}/*"""

ROUTE = """\
  {logical}:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref ApiId
      RouteKey: {method} {path}
      Target: !Sub integrations/${{{camel}}}
      AuthorizationType: NONE"""


def camel(text):
    return "".join(word[:1].upper() + word[1:] for word in text.strip("{+}").replace(".", "-").split("-"))


def logical(method, path):
    """A name of letters and digits for a route, which no other route has."""
    return method.capitalize() + "".join(camel(part) for part in path.split("/") if part != "v1")


def yaml(code):
    """The file, from the code's routes of method, path and function."""
    lines, made = [HEADER], gateway.made(code)
    for name in sorted({function for _, _, function in made}):
        lines.append(FUNCTION.format(name=name, camel=camel(name)))
        own = sorted((path, method) for method, path, function in made if function == name)
        for path, method in own:
            lines.append(ROUTE.format(logical=logical(method, path), method=method, path=path, camel=camel(name)))
    return "\n".join(lines) + "\n"
