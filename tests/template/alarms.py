"""infra/alarms.yaml, made from infra/system.toml."""

import re
import textwrap

from system import FILE, Wrong, camel

HEADER = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: 'SikkerKey: alarms, to one address or topic'

# Made from infra/system.toml by `tests/template/run --write`; a test fails when the two differ.
#
# What each alarm means and what to do stands in its description, which is in the message. CloudWatch bills an alarm by its
# metrics; docs/deploy.md has the price. So errors and throttles are watched for all functions together.

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
  OwnTopic:
    Type: String
    Description: ARN of an SNS topic that alarms go to in place of a mail; empty for none
  ApiId:
    Type: String
    Description: The HTTP API
  DeadLetterQueue:
    Type: String
    Description: Name of the queue of events that could not be handled

Conditions:
  Mails: !Equals [!Ref OwnTopic, '']

Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: Mails
    Properties:
      TopicName: !Sub ${Prefix}-alarms
      KmsMasterKeyId: !Ref KeyArn
      Subscription:
        - {Protocol: email, Endpoint: !Ref Email}

  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Condition: Mails
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
    Value: !If [Mails, !Ref Topic, !Ref OwnTopic]
"""

ALARM = """
  {camel}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub ${{Prefix}}-{name}
      AlarmDescription: >-
{text}
      AlarmActions: [!If [Mails, !Ref Topic, !Ref OwnTopic]]"""

END = """\
      EvaluationPeriods: {periods}
      Threshold: {threshold}
      ComparisonOperator: {comparison}
      TreatMissingData: {missing}"""

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
    return "\n".join([*lines, FOOTER])


def single(system, name, metric, when, text, missing="notBreaching"):
    """An alarm on one metric."""
    namespace, called, *of = metric
    match = WHEN.fullmatch(when)
    if match is None or not all(each in DIMENSIONS or each in system.functions for each in of):
        raise Wrong(f"{FILE}: the alarm {name} is not understood")
    statistic, periods, seconds, comparison, threshold = match.groups()
    dimensions = [DIMENSIONS.get(each, f"Name: FunctionName, Value: !Sub '${{Prefix}}-{each}'") for each in of]
    percentile = statistic.startswith("p")
    return [
        ALARM.format(name=name, camel=camel(name), text=folded(text)),
        f"      Namespace: {namespace}",
        f"      MetricName: {called}",
        *(f"      Dimensions: [{{{dimension}}}]" for dimension in dimensions),
        f"      {'ExtendedStatistic' if percentile else 'Statistic'}: {statistic}",
        *(["      EvaluateLowSampleCountPercentile: ignore"] if percentile else []),
        f"      Period: {seconds}",
        END.format(periods=periods or 1, threshold=threshold, comparison=COMPARISONS[comparison], missing=missing),
    ]


def folded(text):
    return textwrap.fill(text, 120, initial_indent=" " * 8, subsequent_indent=" " * 8, break_on_hyphens=False)
