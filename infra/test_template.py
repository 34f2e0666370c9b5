"""Turns template.yaml into plain CloudFormation and creates the whole stack in the emulator (moto, in this process).

`make test` runs it. moto's CloudFormation does not know every type that the stack has; those that moto's own
services do know are taught to it here, under `Taught`. What is left stands in NOT_CREATED, with the reason.
"""

import itertools
import json
import logging
import os
import pathlib
import re
import unittest
import warnings

os.environ.update(AWS_DEFAULT_REGION="eu-central-1", AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local")

import boto3
from moto import mock_aws
from moto.awslambda.models import LambdaVersion
from moto.core.common_models import CloudFormationModel
from moto.events.models import EventBus
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
# samtranslator tells of each of its own features that is not switched on.
logging.disable(logging.WARNING)

PARAMETERS = {
    "Stage": "emulated", "BucketPrefix": "acme-", "AlarmEmail": "operator@example.com", "ReferralAccess": "private",
    "Release": "0" * 64, "CorsOrigins": "https://till.example,https://shop.example",
}
STACK = "g3n-emulated"
CODE = {"Bucket": "code", "Key": "function.zip"}
EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18

LOG_IN = "POST /usm/session/create"

# Types that are not created: the type, and why.
NOT_CREATED = {}


class Taught:
    """A type that moto's CloudFormation does not know, created through the API of its service."""

    # moto finds direct subclasses of its model by the name of the type. It also wants a module within a package, as
    # `python -m unittest infra/test_template.py` makes it.
    kind = ""

    def __init__(self, name, **attributes):
        self.name = name
        self.attributes = attributes

    @property
    def physical_resource_id(self):
        return self.name

    @classmethod
    def cloudformation_name_type(cls):
        return ""

    @classmethod
    def cloudformation_type(cls):
        return cls.kind

    @classmethod
    def has_cfn_attr(cls, attr):
        return True

    def get_cfn_attribute(self, attribute):
        return self.attributes[attribute]

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        return cls.create(cloudformation_json["Properties"])


class Alarm(Taught, CloudFormationModel):
    kind = "AWS::CloudWatch::Alarm"

    @classmethod
    def create(cls, properties):
        boto3.client("cloudwatch").put_metric_alarm(**properties)
        return cls(properties["AlarmName"])


class Secret(Taught, CloudFormationModel):
    kind = "AWS::SecretsManager::Secret"

    @classmethod
    def create(cls, properties):
        client = boto3.client("secretsmanager")
        random = client.get_random_password(**properties.pop("GenerateSecretString"))["RandomPassword"]
        return cls(client.create_secret(SecretString=random, **properties)["ARN"])


class BucketPolicy(Taught, CloudFormationModel):
    kind = "AWS::S3::BucketPolicy"

    @classmethod
    def create(cls, properties):
        policy = json.dumps(properties["PolicyDocument"])
        boto3.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)
        return cls(properties["Bucket"])


class TopicPolicy(Taught, CloudFormationModel):
    kind = "AWS::SNS::TopicPolicy"

    @classmethod
    def create(cls, properties):
        for topic in properties["Topics"]:
            boto3.client("sns").set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(properties["PolicyDocument"])
            )
        return cls("policy")


class Subscription(Taught, CloudFormationModel):
    kind = "AWS::SNS::Subscription"

    @classmethod
    def create(cls, properties):
        return cls(boto3.client("sns").subscribe(**properties, ReturnSubscriptionArn=True)["SubscriptionArn"])


class Api(Taught, CloudFormationModel):
    kind = "AWS::ApiGatewayV2::Api"

    @classmethod
    def create(cls, properties):
        # Its routes are an OpenAPI document, which moto cannot import: they are made one by one.
        client, body = boto3.client("apigatewayv2"), properties["Body"]
        api = {"ApiId": client.create_api(Name=body["info"]["title"], ProtocolType="HTTP")["ApiId"]}
        for path, methods in body["paths"].items():
            for method, route in methods.items():
                method = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                to = route["x-amazon-apigateway-integration"]
                integration = client.create_integration(
                    **api,
                    IntegrationType=to["type"].upper(),
                    IntegrationUri=to["uri"],
                    PayloadFormatVersion=to["payloadFormatVersion"],
                )
                target = f"integrations/{integration['IntegrationId']}"
                client.create_route(**api, RouteKey=f"{method} {path}", Target=target)
        return cls(api["ApiId"])


class Stage(Taught, CloudFormationModel):
    kind = "AWS::ApiGatewayV2::Stage"

    @classmethod
    def create(cls, properties):
        return cls(boto3.client("apigatewayv2").create_stage(**properties)["StageName"])


class Alias(Taught, CloudFormationModel):
    kind = "AWS::Lambda::Alias"

    @classmethod
    def create(cls, properties):
        return cls(boto3.client("lambda").create_alias(**properties)["AliasArn"])


class EventInvokeConfig(Taught, CloudFormationModel):
    kind = "AWS::Lambda::EventInvokeConfig"

    @classmethod
    def create(cls, properties):
        boto3.client("lambda").put_function_event_invoke_config(**properties)
        return cls(f"{properties['FunctionName']}|{properties['Qualifier']}")


NUMBERS = itertools.count()

# moto makes a bus, but does not tell its name where one is referred to.
EventBus.physical_resource_id = property(lambda bus: bus.name)

# moto makes versions, but does not tell their number, which SAM asks for.
LambdaVersion.get_cfn_attribute = lambda version, _: str(version.version)


def lower_first(value):
    """The API of CodeDeploy begins names in lower case where CloudFormation begins them in upper case."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: lower_first(part) for name, part in value.items()}
    return [lower_first(part) for part in value] if isinstance(value, list) else value


class Application(Taught, CloudFormationModel):
    kind = "AWS::CodeDeploy::Application"

    @classmethod
    def create(cls, properties):
        name = "g3n"
        boto3.client("codedeploy").create_application(applicationName=name, **lower_first(properties))
        return cls(name)


class DeploymentGroup(Taught, CloudFormationModel):
    kind = "AWS::CodeDeploy::DeploymentGroup"

    @classmethod
    def create(cls, properties):
        client, arguments = boto3.client("codedeploy"), lower_first(properties)
        arguments.setdefault("deploymentGroupName", f"group-{next(NUMBERS)}")
        client.create_deployment_group(**arguments)
        return cls(arguments["deploymentGroupName"])


class NoManagedPolicies:
    """samtranslator asks for AWS's own policies by name; the template uses none by name."""

    def load(self):
        return {}


def plain():
    """The template as plain CloudFormation."""
    document = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = CODE
    return transform(document, dict(PARAMETERS), NoManagedPolicies())


class TheStack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = plain()
        cls.mock = mock_aws()
        cls.mock.start()
        cls.addClassCleanup(cls.mock.stop)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=CODE["Bucket"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_object(**CODE, Body=EMPTY_ZIP)
        client = boto3.client("cloudformation")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client.create_stack(
                StackName=STACK,
                TemplateBody=json.dumps(cls.template),
                Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()],
                Capabilities=["CAPABILITY_IAM"],
            )
        unknown = (re.search(r"Tried to parse (\S+)", str(warning.message)) for warning in caught)
        cls.unknown = {found[1] for found in unknown if found}
        cls.stack = client.describe_stacks(StackName=STACK)["Stacks"][0]
        created = client.describe_stack_resources(StackName=STACK)["StackResources"]
        cls.ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in created}
        cls.outputs = {output["OutputKey"]: output["OutputValue"] for output in cls.stack["Outputs"]}

    def of_type(self, kind):
        return {name: r["Properties"] for name, r in self.template["Resources"].items() if r["Type"] == kind}

    def test_every_resource_is_created(self):
        self.assertEqual(self.stack["StackStatus"], "CREATE_COMPLETE")
        self.assertEqual(self.unknown, set(NOT_CREATED), "the list of what is not created is not up to date")
        self.assertEqual(set(self.ids), set(self.template["Resources"]))

    def test_the_table_is_as_it_must_be(self):
        table = boto3.client("dynamodb").describe_table(TableName="g3n-emulated")["Table"]
        self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        self.assertTrue(table["DeletionProtectionEnabled"])
        self.assertEqual(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES")
        # The emulator drops these.
        given = self.of_type("AWS::DynamoDB::Table")["Table"]
        self.assertEqual(given["SSESpecification"]["KMSMasterKeyId"], {"Fn::GetAtt": ["Key", "Arn"]})
        self.assertEqual(given["TimeToLiveSpecification"], {"AttributeName": "ttl", "Enabled": True})
        self.assertTrue(given["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])

    def test_the_bucket_keeps_versions_and_is_nobody_elses(self):
        s3, bucket = boto3.client("s3"), {"Bucket": "acme-ofm-sales-channel-config-emulated"}
        [rule] = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        self.assertEqual(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "aws:kms")
        self.assertEqual(rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"], self.key_arn())
        [statement] = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
        self.assertEqual((statement["Effect"], statement["Action"]), ("Deny", "s3:*"))
        self.assertEqual(statement["Condition"], {"Bool": {"aws:SecureTransport": "false"}})
        # The emulator drops these.
        given = self.of_type("AWS::S3::Bucket")["Bucket"]
        self.assertEqual(given["VersioningConfiguration"], {"Status": "Enabled"})
        self.assertEqual(len(given["PublicAccessBlockConfiguration"]), 4)
        self.assertTrue(all(given["PublicAccessBlockConfiguration"].values()))
        self.assertTrue(given["LifecycleConfiguration"]["Rules"])

    def test_pages_of_the_api_may_upload_and_no_others(self):
        given = self.of_type("AWS::S3::Bucket")["Bucket"]["CorsConfiguration"]["Fn::If"]
        condition, then, otherwise = given
        self.assertEqual(self.template["Conditions"][condition], {"Fn::Not": [{"Fn::Equals": [{"Ref": "CorsOrigins"}, ""]}]})
        self.assertEqual(otherwise, {"Ref": "AWS::NoValue"})
        [rule] = then["CorsRules"]
        self.assertEqual(rule["AllowedOrigins"], {"Fn::Split": [",", {"Ref": "CorsOrigins"}]})
        self.assertEqual(rule["AllowedMethods"], ["PUT"])
        # What ofm signs and a browser does not send of itself (`Upload::headers`).
        headers = (ROOT / "shared" / "service" / "src" / "objects.rs").read_text()
        signed = set(re.findall(r'\("([\w-]+)", self\.', headers)) - {"content-length"}
        self.assertEqual(set(rule["AllowedHeaders"]), signed)

    def test_what_holds_data_survives_the_stack(self):
        for name in ("Table", "Bucket", "BucketPolicy", "Key", "CursorKey", "LookupKey", "OverrideKeys"):
            resource = self.template["Resources"][name]
            policies = resource["DeletionPolicy"], resource["UpdateReplacePolicy"]
            # Where the first deployment fails, nothing is left whose name the second one would meet.
            self.assertEqual(policies, ("RetainExceptOnCreate", "Retain"), name)

    def test_secrets_are_64_hexadecimal_digits_and_encrypted_with_the_key(self):
        client = boto3.client("secretsmanager")
        values = set()
        for name in ("cursor-key", "lookup-key", "override-keys"):
            secret = {"SecretId": f"g3n-emulated/{name}"}
            value = client.get_secret_value(**secret)["SecretString"]
            self.assertRegex(value, "^[0-9a-f]{64}$")
            self.assertEqual(client.describe_secret(**secret)["KmsKeyId"], self.key_arn())
            values.add(value)
        self.assertEqual(len(values), 3)

    def test_every_function_has_its_alias_logs_boundary_and_roll_back(self):
        client, logs, iam = boto3.client("lambda"), boto3.client("logs"), boto3.client("iam")
        alarms = {alarm["AlarmName"] for alarm in self.alarms()}
        # The emulator keeps the groups, but not their alarms.
        groups = self.of_type("AWS::CodeDeploy::DeploymentGroup")
        made = boto3.client("codedeploy").list_deployment_groups(applicationName="g3n")["deploymentGroups"]
        self.assertEqual(len(made), len(groups))
        throttles = json.dumps(next(a for a in self.alarms() if a["AlarmName"].endswith("function-throttles"))["Metrics"])
        functions = client.list_functions()["Functions"]
        self.assertEqual(len(functions), len(self.of_type("AWS::Lambda::Function")))
        for function in functions:
            name = function["FunctionName"]
            with self.subTest(name):
                self.assertEqual(client.get_alias(FunctionName=name, Name="live")["FunctionVersion"], "1")
                [group] = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
                self.assertEqual(group["retentionInDays"], 90)
                role = iam.get_role(RoleName=function["Role"].split("/")[-1])["Role"]
                self.assertEqual(role["PermissionsBoundary"]["PermissionsBoundaryArn"], self.ids["Boundary"])
                self.assertIn(f"{name}-errors", alarms)
                self.assertIn(f'"{name}"', throttles, "nobody hears of its throttles")
                self.assertIn(f'"{name}"', self.dashboard(), "it is not on the dashboard")
                group = groups[f"{name.split('-')[-1].capitalize()}DeploymentGroup"]
                watched = [self.ids[alarm["Name"]["Ref"]] for alarm in group["AlarmConfiguration"]["Alarms"]]
                self.assertIn(f"{name}-errors", watched)
                self.assertTrue(group["AlarmConfiguration"]["Enabled"] and group["AutoRollbackConfiguration"]["Enabled"])
                self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["AutoRollbackConfiguration"]["Events"])

    def test_what_is_encrypted_with_the_key_also_says_so_where_the_emulator_does_not(self):
        for kind, field in [("AWS::Lambda::Function", "KmsKeyArn"), ("AWS::Logs::LogGroup", "KmsKeyId")]:
            for name, properties in self.of_type(kind).items():
                self.assertEqual(properties[field], {"Fn::GetAtt": ["Key", "Arn"]}, name)

    def test_roles_name_what_they_reach(self):
        """No statement of ours is for every resource, but those that AWS has no narrower resource for."""
        policies = dict(self.of_type("AWS::IAM::ManagedPolicy"))
        roles = self.of_type("AWS::IAM::Role")
        documents = [policy["PolicyDocument"] for policy in policies.values()]
        documents += [inline["PolicyDocument"] for role in roles.values() for inline in role.get("Policies", [])]
        for document in documents:
            for statement in document["Statement"]:
                if statement["Resource"] == "*":
                    self.assertEqual(statement["Action"], "dynamodb:ListStreams")
                for action in actions(statement):
                    self.assertNotRegex(action, r":\*$|^\*$")

    def test_no_role_is_given_what_its_boundary_takes_away(self):
        [boundary] = [p["PolicyDocument"] for n, p in self.of_type("AWS::IAM::ManagedPolicy").items() if n == "Boundary"]
        most = {action for statement in boundary["Statement"] for action in actions(statement)}
        for name, role in self.of_type("AWS::IAM::Role").items():
            for inline in role.get("Policies", []):
                for statement in inline["PolicyDocument"]["Statement"]:
                    self.assertLessEqual(set(actions(statement)), most, name)
        for name, policy in self.of_type("AWS::IAM::ManagedPolicy").items():
            for statement in policy["PolicyDocument"]["Statement"]:
                self.assertLessEqual(set(actions(statement)), most, name)

    def test_every_function_behind_the_api_is_reached_by_its_alias(self):
        client = boto3.client("apigatewayv2")
        [api] = client.get_apis()["Items"]
        routes = {route["RouteKey"]: route["Target"] for route in client.get_routes(ApiId=api["ApiId"])["Items"]}
        bases = {key.removeprefix("ANY ").removesuffix("/{proxy+}") for key in routes if key.startswith("ANY ")}
        self.assertEqual({"/ofm", "/crm", "/usm", "/api/v1/referral-attributions"}, bases)
        self.assertEqual(set(routes) - {f"ANY {b}{rest}" for b in bases for rest in ("", "/{proxy+}")}, {LOG_IN})
        uris = {f"integrations/{i['IntegrationId']}": i["IntegrationUri"] for i in client.get_integrations(ApiId=api["ApiId"])["Items"]}
        self.assertEqual(uris[routes[LOG_IN]], uris[routes["ANY /usm"]])
        for base in bases:
            self.assertLessEqual({f"ANY {base}", f"ANY {base}/{{proxy+}}"}, set(routes))
        [stage] = client.get_stages(ApiId=api["ApiId"])["Items"]
        self.assertEqual(stage["StageName"], "$default")
        self.assertEqual(stage["DefaultRouteSettings"]["ThrottlingRateLimit"], 5000)
        # Log-ins have a limit of their own, and nothing else shares it: checking a session or key is not refused for them.
        self.assertEqual(set(stage["RouteSettings"]), {LOG_IN})
        [given] = self.of_type("AWS::ApiGatewayV2::Stage").values()
        self.assertEqual(given["RouteSettings"][LOG_IN]["ThrottlingRateLimit"], {"Ref": "LogInRateLimit"})
        self.assertEqual(self.template["Parameters"]["LogInRateLimit"]["Default"], 50)
        for integration in client.get_integrations(ApiId=api["ApiId"])["Items"]:
            self.assertRegex(integration["IntegrationUri"], r"function:g3n-emulated-\w+:live/invocations$")
            self.assertEqual(integration["PayloadFormatVersion"], "2.0")

    def test_alarms_are_heard_and_look_at_this_stack(self):
        alarms = self.alarms()
        self.assertEqual(len(alarms), len(self.of_type("AWS::CloudWatch::Alarm")))
        for alarm in alarms:
            self.assertEqual(alarm["AlarmActions"], [self.outputs["AlarmTopic"]], alarm["AlarmName"])
            self.assertTrue(alarm["AlarmName"].startswith("g3n-emulated-"))
            looked_at = json.dumps([alarm.get("Dimensions"), alarm.get("Metrics")])
            self.assertTrue("emulated" in looked_at or self.ids["Api"] in looked_at, alarm["AlarmName"])
        [subscription] = boto3.client("sns").list_subscriptions()["Subscriptions"]
        self.assertEqual(subscription["Endpoint"], "operator@example.com")

    def test_every_alarm_has_its_line_in_the_runbook(self):
        rows = re.findall(r"^\| (`.*)\|$", (ROOT / "docs" / "operations.md").read_text().split("## Alarms")[1], re.M)
        cells = [[cell.strip() for cell in row.split("|")] for row in rows]
        for row in cells:
            self.assertEqual(len(row), 4, row)
            self.assertTrue(all(row), f"what it means, what to look at, what to do: {row}")
        named = [name for row in cells for name in re.findall(r"`([\w-]+)`", row[0])]
        self.assertEqual(sorted(named), sorted(a["AlarmName"].removeprefix("g3n-emulated-") for a in self.alarms()))

    def test_every_schedule_is_missed_when_it_does_nothing_for_an_hour(self):
        rules = {name: r for name, r in self.of_type("AWS::Events::Rule").items() if "ScheduleExpression" in r}
        self.assertEqual(len(rules), 4)
        alarms = self.of_type("AWS::CloudWatch::Alarm")
        failing = json.dumps(alarms["SchedulesFail"]["Metrics"])
        for name, rule in rules.items():
            [target] = rule["Targets"]
            action = json.loads(target["Input"])["action"]
            with self.subTest(name, action=action):
                self.assertEqual(target["Arn"], {"Ref": "OperatorAliaslive"})
                # What the rule cannot invoke leaves no trace in the function.
                self.assertIn(json.dumps(rule["Name"]), failing)
                if action == "heartbeat":
                    continue
                [alarm] = [a for a in alarms.values() if f'"ACTION {action}"' in json.dumps(a.get("Metrics"))]
                metrics = {metric["Id"]: metric for metric in alarm["Metrics"]}
                self.assertEqual(metrics["done"]["Expression"], "runs - faults - refusals")
                stats = {id: (m["MetricStat"]["Metric"]["MetricName"], m["MetricStat"]["Stat"], m["MetricStat"]["Period"])
                         for id, m in metrics.items() if id != "done"}
                self.assertEqual(stats, {"runs": ("fault", "SampleCount", 900), "faults": ("fault", "Sum", 900),
                                         "refusals": ("refusal", "Sum", 900)})
                self.missing_for_an_hour(alarm)
        # The heartbeat is missed where it should arrive: behind the stream, the relay and the bus.
        silent = alarms["EventsSilent"]
        self.assertEqual((silent["MetricName"], silent["Statistic"], silent["Period"]), ("published", "Sum", 900))
        self.missing_for_an_hour(silent)

    def missing_for_an_hour(self, alarm):
        found = [alarm[name] for name in ("EvaluationPeriods", "DatapointsToAlarm", "Threshold")]
        self.assertEqual((found, alarm["ComparisonOperator"]), ([4, 4, 1], "LessThanThreshold"))
        self.assertEqual(alarm["TreatMissingData"], "breaching")

    def test_what_nobody_waits_for_goes_to_a_queue_when_it_fails(self):
        [config] = self.of_type("AWS::Lambda::EventInvokeConfig").values()
        self.assertEqual((config["FunctionName"], config["Qualifier"]), ({"Ref": "Operator"}, "live"))
        self.assertEqual(config["MaximumRetryAttempts"], 0)
        queue = config["DestinationConfig"]["OnFailure"]["Destination"]
        self.assertEqual(queue, {"Fn::GetAtt": ["OperatorDeadLetters", "Arn"]})
        sends = [s for p in self.of_type("AWS::IAM::Role")["OperatorRole"]["Policies"]
                 for s in p["PolicyDocument"]["Statement"] if "sqs:SendMessage" in actions(s)]
        self.assertEqual([s["Resource"] for s in sends], [queue])
        # It is encrypted under the key, which the role may use through the queue alone.
        self.assertEqual(self.of_type("AWS::SQS::Queue")["OperatorDeadLetters"]["KmsMasterKeyId"], {"Ref": "Key"})
        [use] = self.of_type("AWS::IAM::ManagedPolicy")["UseKey"]["PolicyDocument"]["Statement"]
        self.assertIn("sqs.", json.dumps(use["Condition"]["StringEquals"]["kms:ViaService"]))

    def test_a_flood_leaves_executions_for_the_relay_and_the_operator(self):
        functions = self.of_type("AWS::Lambda::Function")
        reserved = {n: f["ReservedConcurrentExecutions"] for n, f in functions.items() if "ReservedConcurrentExecutions" in f}
        none = {"Ref": "AWS::NoValue"}
        self.assertEqual(reserved, {"Operator": {"Fn::If": ["Reserves", 5, none]}, "Relay": {"Fn::If": ["Reserves", 20, none]}})
        self.assertEqual(self.template["Parameters"]["ReserveConcurrency"]["Default"], "yes")

    def test_names_of_a_stage_are_not_those_of_another(self):
        pattern = self.template["Parameters"]["Stage"]["AllowedPattern"]
        self.assertRegex("dev2", pattern)
        self.assertNotRegex("dev-2", pattern)

    def test_every_index_is_watched_for_throttles(self):
        indexes = {index["IndexName"] for index in self.of_type("AWS::DynamoDB::Table")["Table"]["GlobalSecondaryIndexes"]}
        [alarm] = [alarm for alarm in self.alarms() if alarm["AlarmName"].endswith("table-throttles")]
        watched = re.findall(r'"GlobalSecondaryIndexName", "Value": "(\w+)"', json.dumps(alarm["Metrics"]))
        self.assertEqual(set(watched), indexes)
        self.assertEqual(len(watched), 2 * len(indexes), "reads and writes")

    def test_the_dashboard_shows_every_alarm(self):
        widgets = json.loads(self.dashboard())["widgets"]
        [shown] = [set(widget["properties"]["alarms"]) for widget in widgets if widget["type"] == "alarm"]
        self.assertEqual(shown, {alarm["AlarmArn"] for alarm in self.alarms()})

    def test_the_relay_is_fed_by_the_stream(self):
        [source] = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        self.assertIn("g3n-emulated-relay", source["FunctionArn"])
        self.assertIn("table/g3n-emulated/stream/", source["EventSourceArn"])
        buses = {bus["Name"] for bus in boto3.client("events").list_event_buses()["EventBuses"]}
        self.assertIn("g3n-emulated", buses)

    def alarms(self):
        return boto3.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]

    def dashboard(self):
        client = boto3.client("cloudwatch")
        [entry] = client.list_dashboards()["DashboardEntries"]
        return client.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"]

    def key_arn(self):
        [key] = boto3.client("kms").list_keys()["Keys"]
        return key["KeyArn"]


def actions(statement):
    action = statement["Action"]
    return action if isinstance(action, list) else [action]
