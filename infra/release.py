"""Deploys what `make build` built: the one way in (docs/operations.md, Deploy).

    infra/release.py check|deploy <environment of samconfig.toml> [Parameter=value ...] [option of `sam deploy` ...]

`deploy` passes every parameter of the template, each as it is given, as samconfig.toml has it for the environment, or by
its default: what is left out does not stay as an earlier deployment had it. It also computes the parameter `Release`, by
which Lambda publishes new versions. SAM sees that code changed, but not that the value of a parameter did; then the
alias, and so every caller, would keep the old environment. `check` says beforehand what `deploy` would refuse.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Of a function in the template, what is not of the function itself: it changes no version.
NOT_OF_THE_FUNCTION = {"AutoPublishAlias", "AutoPublishCodeSha256", "DeploymentPreference", "EventInvokeConfig", "Events",
                       "Policies"}
# Those that do not change what is deployed, and where.
OPTIONS = {"--disable-rollback", "--no-confirm-changeset", "--no-execute-changeset"}
FUNCTION, SECRET = "AWS::Serverless::Function", "AWS::SecretsManager::Secret"


class Refused(Exception):
    """Why nothing is deployed."""


def template():
    return yaml_parse((ROOT / "template.yaml").read_text())


def names_in(value):
    """What `value` refers to: parameters, resources and conditions."""
    if isinstance(value, list):
        for part in value:
            yield from names_in(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in ("Ref", "Condition") and isinstance(part, str):
                yield part
            elif name == "Fn::GetAtt":
                yield part[0] if isinstance(part, list) else part.split(".")[0]
            elif name == "Fn::If":
                yield part[0]
                yield from names_in(part[1:])
            elif name == "Fn::Sub":
                text, *more = part if isinstance(part, list) else [part]
                yield from (found.split(".")[0] for found in re.findall(r"\$\{([^!}]+)\}", text))
                yield from names_in(more)
            else:
                yield from names_in(part)


def reaching(document):
    """The parameters that reach a function: by its own properties, by conditions, and by the names of what it refers to."""
    parameters, conditions, resources = document["Parameters"], document.get("Conditions", {}), document["Resources"]
    functions = [r.get("Properties", {}) for r in resources.values() if r["Type"] == FUNCTION]
    functions.append(document.get("Globals", {}).get("Function", {}))
    open_names = [n for f in functions for key, value in f.items() if key not in NOT_OF_THE_FUNCTION for n in names_in(value)]
    seen = set()
    while open_names:
        name = open_names.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in conditions:
            open_names += names_in(conditions[name])
        elif name in resources:
            # Another resource is known by its name alone: what else it is reaches no function.
            named = {k: v for k, v in resources[name].get("Properties", {}).items() if k.endswith("Name")}
            open_names += names_in(named)
    return sorted(seen & set(parameters) - {"Release"})


def samconfig(environment, text):
    """The stack and the parameters that samconfig.toml has for an environment."""
    try:
        import tomllib
    except ImportError:
        # SAM's own reader, where Python is older than 3.11.
        import tomlkit as tomllib
    tables = tomllib.loads(text)
    if environment not in tables:
        raise Refused(f"samconfig.toml has no environment {environment}, it has: {', '.join(sorted(set(tables) - {'version'}))}")
    stack = tables[environment]["global"]["parameters"]["stack_name"]
    return str(stack), [str(each) for each in tables[environment]["deploy"]["parameters"].get("parameter_overrides", [])]


def parameters(document, configured, given):
    """Every parameter with its value: as given, else as configured, else its default."""
    declared = {name: about for name, about in document["Parameters"].items() if name != "Release"}
    values = {name: str(about["Default"]) for name, about in declared.items() if "Default" in about}
    for source in (configured, given):
        for each in source:
            name, equals, value = each.partition("=")
            if not equals or name not in declared:
                raise Refused(f"{each} is no Parameter=value of template.yaml")
            values[name] = value
    missing = sorted(set(declared) - set(values))
    if missing:
        raise Refused(f"{', '.join(missing)} must be given: they have no default")
    for name, value in values.items():
        about = declared[name]
        if "AllowedValues" in about and value not in map(str, about["AllowedValues"]):
            raise Refused(f"{name} must be one of {', '.join(map(str, about['AllowedValues']))}")
        if not re.search(about.get("AllowedPattern", ""), value):
            raise Refused(f"{name} must be {about.get('ConstraintDescription', about['AllowedPattern'])}")
        if '"' in value:
            raise Refused(f"{name} must not have a quotation mark")
    return values


def release(document, commit, values, secrets):
    """SHA-256 of what makes the functions what they are. `secrets` tells of a secret's name which version is current."""
    stage = values["Stage"]
    names = [r["Properties"]["Name"]["Fn::Sub"] for r in document["Resources"].values() if r["Type"] == SECRET]
    about = {
        "commit": commit,
        "parameters": {name: values[name] for name in reaching(document)},
        "secrets": {name: secrets(name.replace("${Stage}", stage)) for name in sorted(names)},
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def command(environment, stack, values, release_id, options=()):
    """What is run."""
    if unknown := sorted(set(options) - OPTIONS):
        raise Refused(f"{unknown[0]} is no option for this, they are: {', '.join(sorted(OPTIONS))}")
    if stack != f"g3n-{values['Stage']}":
        raise Refused(f"the stack of {environment} is {stack}, that of the stage {values['Stage']} would be another: "
                      "its table would be replaced")
    passed = {**values, "Release": release_id}
    overrides = [f'{name}="{value}"' for name, value in sorted(passed.items())]
    return ["sam", "deploy", "--config-env", environment, *options, "--parameter-overrides", *overrides]


def commit_of(directory):
    """The commit that is checked out, if nothing is changed beside it: only then it names what was built."""
    def git(*arguments):
        done = subprocess.run(["git", "-C", directory, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise Refused(f"git: {done.stderr.strip()}")
        return done.stdout.strip()

    if git("status", "--porcelain"):
        raise Refused("there are changes that are not committed: a release is named by its commit")
    return git("rev-parse", "HEAD")


def current_version(name):
    """The id of a secret's current version; none where there is no such secret yet, before the first deployment."""
    import boto3

    client = boto3.client("secretsmanager")
    try:
        versions = client.describe_secret(SecretId=name).get("VersionIdsToStages", {})
    except client.exceptions.ResourceNotFoundException:
        return None
    return next((version for version, stages in versions.items() if "AWSCURRENT" in stages), None)


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("check", "deploy"):
        raise Refused(__doc__.split("\n\n")[1].strip())
    action, environment, *rest = arguments
    given, options = [each for each in rest if each[:2] != "--"], [each for each in rest if each[:2] == "--"]
    document = template()
    stack, configured = samconfig(environment, (ROOT / "samconfig.toml").read_text())
    values = parameters(document, configured, given)
    commit = commit_of(ROOT)
    command(environment, stack, values, "", options)
    if action == "check":
        return
    to_run = command(environment, stack, values, release(document, commit, values, current_version), options)
    os.chdir(ROOT)
    os.execvp(to_run[0], to_run)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        sys.exit(f"error: {refused}")
