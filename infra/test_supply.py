"""What is installed is what was pinned: every Python package by the hashes of its files, and one Rust compiler."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


class WhatIsInstalled(unittest.TestCase):
    def test_every_requirement_has_a_version_and_hashes(self):
        files = sorted((ROOT / "infra").glob("requirements-*.txt"))
        self.assertTrue(files)
        for file in files:
            lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
            # A requirement begins a line, and each line that goes on is one of its hashes.
            for requirement in "\n".join(lines).replace("\\\n", " ").split("\n"):
                with self.subTest(file.name, requirement=requirement[:40]):
                    self.assertRegex(requirement, r"^[\w.-]+(\[[\w,]+\])?==[\w.!+]+( ; [^-][^#]*?)?( +--hash=sha256:[0-9a-f]{64})+$")

    def test_pip_is_told_to_compare_the_hashes(self):
        installs = re.findall(r"/pip\" install .*", (ROOT / "infra" / "tools.sh").read_text())
        self.assertTrue(installs)
        for install in installs:
            self.assertIn("--require-hashes", install)

    def test_cargo_never_writes_the_lock_file_anew(self):
        for name in ("Makefile", ".ci/run", "infra/with-stack.sh"):
            for line in (ROOT / name).read_text().splitlines():
                for command in re.findall(r"cargo (?:build|run|test|clippy|deny|fetch|install)\b[^;|)]*", line.split("#")[0]):
                    self.assertIn("--locked", command, f"{name}: {line}")

    def test_the_compiler_is_one_release_and_not_older_than_the_crates_need(self):
        pinned = re.search(r'^channel = "(\d+)\.(\d+)\.(\d+)"$', (ROOT / "rust-toolchain.toml").read_text(), re.M)
        needed = re.search(r'^rust-version = "(\d+)\.(\d+)\.(\d+)"$', (ROOT / "Cargo.toml").read_text(), re.M)
        self.assertGreaterEqual([int(n) for n in pinned.groups()], [int(n) for n in needed.groups()])
