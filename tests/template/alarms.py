"""infra/alarms.yaml, made from infra/system.toml."""

import re
import textwrap

from system import FILE, Wrong, camel

HEADER = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: 'SikkerKey: alarms, mailed to one address'

# Made from infra/system.toml by `tests/template/run --write`; a test fails when the two differ.
#
# What each alarm means and what to do stands in its description, which is in the mail. CloudWatch bills an alarm by its
# metrics; docs/deploy.md has the price. An alarm that watches a group of functions adds up their metrics.

Parameters:
  Prefix:
    Type: String
    Description: The deployment's name
  KeyArn:
    Type: String
    Description: ARN of the KMS key for messages at rest
  Email:
    Type: String
    Description: Where alarms are mailed to. The address gets a mail to confirm first
  ApiId:
    Type: String
    Description: The HTTP API
  DeadLetterQueue:
    Type: String
    Description: Name of the queue of events that could not be handled

Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !Sub ${Prefix}-alarms
      KmsMasterKeyId: !Ref KeyArn
      Subscription:
        - {Protocol: email, Endpoint: !Ref Email}

  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Sid: OwnAlarmsOnly
            Effect: Allow
            Principal: {Service: cloudwatch.amazonaws.com}
            Action: sns:Publish
            Resource: !Ref Topic
            Condition:
              ArnLike:
                aws:SourceArn: !Sub arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${Prefix}-*"""

FOOTER = """
Outputs:
  TopicArn:
    Description: The topic of all alarms, for more subscribers
    Value: !Ref Topic
"""

ALARM = """
  {camel}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub ${{Prefix}}-{name}
      AlarmDescription: >-
{text}
      AlarmActions: [!Ref Topic]"""

METRIC = """\
        - Id: m{number}
          ReturnData: false
          MetricStat:
            Metric:
              Namespace: AWS/Lambda
              MetricName: {metric}
              Dimensions: [{{Name: FunctionName, Value: !Sub '${{Prefix}}-{function}'}}]
            Stat: Sum
            Period: 300"""

END = """\
      EvaluationPeriods: {periods}
      Threshold: {threshold}
      ComparisonOperator: {comparison}
      TreatMissingData: {missing}"""

# The two alarms on each group of functions.
ERRORS = (
    "A function of {of} broke off or ran out of time or memory{or_}. Its log says why in the last lines of the request."
)
THROTTLES = """Lambda refused to start functions of {of} because the account's limit of concurrent executions is reached. Have it \
raised (Service Quotas, AWS Lambda, Concurrent executions); new accounts start with 10."""
MOST_ERRORS, MOST_THROTTLES = 3, 1
# So many metrics an alarm can watch.
MOST_METRICS = 10

WHEN = re.compile(r"(\w+) of (?:(\d+) x )?(\d+) s (>=|>|<) (\d+)")
COMPARISONS = {
    ">=": "GreaterThanOrEqualToThreshold",
    ">": "GreaterThanThreshold",
    "<": "LessThanThreshold",
}
# How a metric is asked for, where that is not a function.
DIMENSIONS = {
    "Deployment": "Name: Deployment, Value: !Ref Prefix",
    "ApiId": "Name: ApiId, Value: !Ref ApiId",
    "DeadLetterQueue": "Name: QueueName, Value: !Ref DeadLetterQueue",
}


def yaml(system):
    """The file."""
    lines = [HEADER]
    for name, alarm in system.alarms.items():
        lines += single(system, name, **alarm)
    for name, group in system.alarm_groups.items():
        of, or_ = group["of"], group.get("or", "")
        functions = [function.name for function in system.functions.values() if system.group(function) == name]
        if len(functions) > MOST_METRICS:
            raise Wrong(
                f"{FILE}: the group {name} has {len(functions)} functions: make it two of {MOST_METRICS} at most"
            )
        told = {
            "Errors": (ERRORS.format(of=of, or_=or_), MOST_ERRORS),
            "Throttles": (THROTTLES.format(of=of), MOST_THROTTLES),
        }
        for metric, (text, most) in told.items():
            lines += together(name, functions, metric, text, most)
    return "\n".join([*lines, FOOTER])


def single(system, name, metric, when, text, missing="notBreaching"):
    """An alarm on one metric."""
    namespace, called, of = metric
    match = WHEN.fullmatch(when)
    if match is None or not (of in DIMENSIONS or of in system.functions):
        raise Wrong(f"{FILE}: the alarm {name} is not understood")
    statistic, periods, seconds, comparison, threshold = match.groups()
    dimension = DIMENSIONS.get(of, f"Name: FunctionName, Value: !Sub '${{Prefix}}-{of}'")
    percentile = statistic.startswith("p")
    return [
        ALARM.format(name=name, camel=camel(name), text=folded(text)),
        f"      Namespace: {namespace}",
        f"      MetricName: {called}",
        f"      Dimensions: [{{{dimension}}}]",
        f"      {'ExtendedStatistic' if percentile else 'Statistic'}: {statistic}",
        *(["      EvaluateLowSampleCountPercentile: ignore"] if percentile else []),
        f"      Period: {seconds}",
        END.format(periods=periods or 1, threshold=threshold, comparison=COMPARISONS[comparison], missing=missing),
    ]


def together(group, functions, metric, text, most):
    """An alarm on the sum of one metric of several functions."""
    name = f"{group}-function-{metric.lower()}"
    return [
        ALARM.format(name=name, camel=f"{group.capitalize()}{metric}", text=folded(text)),
        "      Metrics:",
        "        - {Id: total, Expression: 'SUM(FILL(METRICS(), 0))', Label: total}",
        *(METRIC.format(number=number, metric=metric, function=each) for number, each in enumerate(functions, 1)),
        END.format(periods=1, threshold=most, comparison=COMPARISONS[">="], missing="notBreaching"),
    ]


def folded(text):
    return textwrap.fill(text, 120, initial_indent=" " * 8, subsequent_indent=" " * 8, break_on_hyphens=False)
