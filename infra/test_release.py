"""What `make deploy` passes, and that whatever reaches a function makes new versions of the functions.

Which parameters reach a function is found here by value: the translated template is worked out for two values of each
parameter, and its functions are compared. infra/release.py finds it by following references.
"""

import importlib.util
import json
import logging
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from samtranslator.translator.transform import transform

# samtranslator tells of each of its own features that is not switched on.
logging.disable(logging.WARNING)
HERE = pathlib.Path(__file__).resolve().parent


def load(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = load("release")
COMMIT = "c" * 40
GIVEN = ["BucketPrefix=acme-", "ReferralAccess=private"]
# The candidates for another value of a parameter that is a text: the first that its pattern takes.
OTHERS = ["other", "other-", "OTHER", "https://other.example", "other@example.com"]


def secrets(name):
    return f"version of {name}"


def another(about, value):
    """Another value that the parameter may have."""
    if "AllowedValues" in about:
        return next(str(other) for other in about["AllowedValues"] if str(other) != value)
    if about["Type"] == "Number":
        return str(int(value) - 1 if about.get("MaxValue") == int(value) else int(value) + 1)
    return next(other for other in OTHERS if other != value and re.search(about.get("AllowedPattern", ""), other))


class NoManagedPolicies:
    def load(self):
        return {}


def translated(values):
    """The plain CloudFormation of a deployment with these parameters, as SAM makes it on AWS's side."""
    document = release.template()
    for resource in document["Resources"].values():
        if resource["Type"] == release.FUNCTION:
            # As `sam deploy` leaves it: the same code in each of these deployments.
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "function.zip"}
    return transform(document, dict(values), NoManagedPolicies())


def worked_out(template, values, value):
    """A value as a function gets it: with parameters, conditions and the names of other resources filled in."""
    def conditions(condition):
        if "Condition" in condition:
            return conditions(template["Conditions"][condition["Condition"]])
        [(name, part)] = condition.items()
        if name == "Fn::Not":
            return not conditions(part[0])
        if name in ("Fn::And", "Fn::Or"):
            return (all if name == "Fn::And" else any)(conditions(each) for each in part)
        assert name == "Fn::Equals", name
        return of(part[0]) == of(part[1])

    def named(logical, attribute):
        resource = template["Resources"].get(logical)
        names = {k: of(v) for k, v in (resource or {}).get("Properties", {}).items() if k.endswith("Name")}
        return [logical, attribute, names]

    def of(value):
        if isinstance(value, list):
            return [of(each) for each in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, part)] = value.items()
            if name == "Ref":
                return str(values[part]) if part in values else named(part, None)
            if name == "Fn::GetAtt":
                return named(*(part if isinstance(part, list) else part.split(".", 1)))
            if name == "Fn::If":
                return of(part[1] if conditions(template["Conditions"][part[0]]) else part[2])
            if name == "Fn::Sub" and isinstance(part, str):
                filled = lambda found: json.dumps(of({"Ref": found[1]} if "." not in found[1] else {"Fn::GetAtt": found[1]}))
                return re.sub(r"\$\{([^!}]+)\}", filled, part)
        return {name: of(part) for name, part in value.items()}

    return of(value)


def functions(values):
    """The functions of a deployment, but for what names the release."""
    template = translated({**values, "Release": "0" * 64})
    found = {n: r["Properties"] for n, r in template["Resources"].items() if r["Type"] == "AWS::Lambda::Function"}
    return worked_out(template, values, found)


def versions(values, release_id):
    template = translated({**values, "Release": release_id})
    kept = ("AWS::Lambda::Version", "AWS::Lambda::Function")
    found = {kind: {n: r["Properties"] for n, r in template["Resources"].items() if r["Type"] == kind} for kind in kept}
    return set(found["AWS::Lambda::Version"]), {n: p["Description"] for n, p in found["AWS::Lambda::Function"].items()}


class TheRelease(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = release.template()
        cls.values = release.parameters(cls.document, ["Stage=prod"], GIVEN)
        cls.release = release.release(cls.document, COMMIT, cls.values, secrets)

    def of(self, **changed):
        return release.release(self.document, COMMIT, {**self.values, **changed}, secrets)

    def test_whatever_reaches_a_function_makes_a_new_version_of_each(self):
        before = functions(self.values)
        versions_before, described_before = versions(self.values, self.release)
        self.assertEqual(len(versions_before), len(before))
        reaching, others = [], []
        for name, value in self.values.items():
            changed = {**self.values, name: another(self.document["Parameters"][name], value)}
            self.assertNotEqual(changed[name], value)
            reaches = functions(changed) != before
            (reaching if reaches else others).append(name)
            release_id = release.release(self.document, COMMIT, changed, secrets)
            after, described = versions(changed, release_id)
            with self.subTest(name, reaches=reaches):
                self.assertEqual(release_id != self.release, reaches)
                if reaches:
                    self.assertFalse(after & versions_before, "a version that was there is published again")
                    for function, text in described.items():
                        # Lambda publishes nothing for a function that is as it was.
                        self.assertNotEqual(text, described_before[function])
                else:
                    self.assertEqual((after, described), (versions_before, described_before))
        self.assertEqual(sorted(reaching), release.reaching(self.document))
        # That a public API becomes private is not left to the finding above; nor that it finds what reaches none.
        self.assertIn("ReferralAccess", reaching)
        self.assertEqual(sorted(others), ["AlarmEmail", "ApiRateLimit", "LogInRateLimit", "LogRetentionDays", "RollOut"])

    def test_each_commit_and_each_version_of_a_secret_is_a_release(self):
        self.assertNotEqual(release.release(self.document, "d" * 40, self.values, secrets), self.release)
        asked = []
        release.release(self.document, COMMIT, self.values, asked.append)
        self.assertEqual(sorted(asked), ["g3n-prod/cursor-key", "g3n-prod/lookup-key", "g3n-prod/override-keys"])
        for changed in asked:
            other = lambda name: "new" if name == changed else secrets(name)
            self.assertNotEqual(release.release(self.document, COMMIT, self.values, other), self.release, changed)
        self.assertEqual(self.of(), self.release, "the same is the same release")

    def test_a_release_is_what_sam_and_the_template_take(self):
        self.assertRegex(self.release, self.document["Parameters"]["Release"]["AllowedPattern"])
        for name in versions(self.values, self.release)[0]:
            self.assertTrue(name.endswith(self.release[:10]), name)

    def test_every_parameter_is_passed_each_time(self):
        run = release.command("prod", "g3n-prod", self.values, self.release)
        passed = [each.split("=")[0] for each in run[run.index("--parameter-overrides") + 1:]]
        self.assertEqual(sorted(passed), sorted(self.document["Parameters"]))
        self.assertIn('AlarmEmail=""', run, "what is left out is empty, and not as it was")
        self.assertIn(f'Release="{self.release}"', run)
        self.assertEqual(run[:4], ["sam", "deploy", "--config-env", "prod"])

    def test_options_do_not_change_what_is_deployed(self):
        run = lambda *options: release.command("prod", "g3n-prod", self.values, self.release, options)
        self.assertIn("--disable-rollback", run("--disable-rollback"))
        with self.assertRaisesRegex(release.Refused, "--stack-name is no option"):
            run("--stack-name")

    def test_what_is_given_goes_before_what_is_configured_and_that_before_the_default(self):
        of = lambda configured, given: release.parameters(self.document, ["Stage=dev", *configured], [*GIVEN, *given])
        self.assertEqual(of([], [])["LogLevel"], "info")
        self.assertEqual(of(["LogLevel=warn"], [])["LogLevel"], "warn")
        self.assertEqual(of(["LogLevel=warn"], ["LogLevel=debug"])["LogLevel"], "debug")

    def test_nobody_is_told_by_default_who_may_call_the_referral_service(self):
        with self.assertRaisesRegex(release.Refused, "ReferralAccess must be given"):
            release.parameters(self.document, ["Stage=prod"], ["BucketPrefix=acme-"])

    def test_what_cannot_be_meant_is_refused(self):
        for given, told in [
            ("Referralaccess=private", "no Parameter=value"),
            ("LogLevel", "no Parameter=value"),
            ("Release=" + "0" * 64, "no Parameter=value"),
            ("ReferralAccess=secret", "ReferralAccess must be one of"),
            ("Stage=dev-2", "Stage must be up to 16"),
            ("CorsOrigins=https://a.example, https://b.example", "CorsOrigins must be origins"),
            ('AlarmEmail=a"b', "quotation mark"),
        ]:
            with self.subTest(given), self.assertRaisesRegex(release.Refused, told):
                release.parameters(self.document, ["Stage=prod"], [*GIVEN, given])

    def test_a_stage_is_only_deployed_to_its_own_stack(self):
        with self.assertRaisesRegex(release.Refused, "its table would be replaced"):
            release.command("prod", "g3n-prod", {**self.values, "Stage": "dev"}, self.release)

    def test_each_environment_has_its_stack_and_its_stage(self):
        text = (release.ROOT / "samconfig.toml").read_text()
        for environment, stage in [("default", "dev"), ("prod", "prod")]:
            self.assertEqual(release.samconfig(environment, text), (f"g3n-{stage}", [f"Stage={stage}"]))
        with self.assertRaisesRegex(release.Refused, "no environment test"):
            release.samconfig("test", text)

    def test_a_build_has_the_time_of_its_commit(self):
        steps = ["SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct); export SOURCE_DATE_EPOCH;", "sam build"]
        self.in_order("build", steps)

    def test_what_is_refused_is_refused_before_it_is_built(self):
        passed = "release.py \"$$1\" $(ENV) Architecture=$(ARCH) $(PARAMETERS) $(OPTIONS);"
        self.in_order("deploy", [passed, "release check;", "$(MAKE) build ARCH=$(ARCH);", "release deploy"])

    def in_order(self, target, steps):
        """What a recipe runs, and in which order."""
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (release.ROOT / "Makefile").read_text(), re.M)[1]
        places = [recipe.find(step) for step in steps]
        self.assertNotIn(-1, places, recipe)
        self.assertEqual(places, sorted(places), recipe)

    def test_what_is_not_committed_is_not_deployed(self):
        with tempfile.TemporaryDirectory() as directory:
            git = ["git", "-C", directory, "-c", "user.name=t", "-c", "user.email=t@example.com"]
            run = lambda *arguments: subprocess.run([*git, *arguments], check=True, capture_output=True, text=True).stdout
            run("init", "--quiet")
            (pathlib.Path(directory) / "file").write_text("one")
            run("add", ".")
            run("commit", "--quiet", "--message", "One")
            self.assertEqual(release.commit_of(directory), run("rev-parse", "HEAD").strip())
            (pathlib.Path(directory) / "another").write_text("two")
            with self.assertRaisesRegex(release.Refused, "not committed"):
                release.commit_of(directory)
            with self.assertRaisesRegex(release.Refused, "git: "):
                release.commit_of(pathlib.Path(directory) / "nowhere")
