#!/usr/bin/env python3
"""Checks what the packages say of the source: META.json against the rules of PGXN
(meta.schema.json), and that every file that has the version has the same one. Needs
python3-jsonschema. Says nothing unless something is wrong."""

import copy
import json
import os
import re
import sys

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def found(name, pattern):
    match = re.search(pattern, text_of(name), re.MULTILINE)
    return match.group(1) if match else None


def schema_errors(validator, meta):
    return ["META.json: %s: %s" % ("/".join(map(str, error.path)) or ".", error.message)
            for error in validator.iter_errors(meta)]


def blind_spots(validator, schema, meta):
    """The required fields whose absence the validator does not see."""
    for field in schema["required"]:
        broken = copy.deepcopy(meta)
        broken.pop(field, None)
        if validator.is_valid(broken):
            yield "META.json without %s is taken for valid" % field


def provided(meta):
    """What is wrong with the extensions that META.json names, and missing in it."""
    for name, extension in meta["provides"].items():
        for key in ("file", "docfile"):
            if key in extension and not os.path.exists(os.path.join(ROOT, extension[key])):
                yield "META.json: %s: there is no %s" % (name, extension[key])
                return
        version = found(extension["file"], r"^default_version *= *'(.*)'")
        if version != extension["version"]:
            yield "META.json: %s has version %s, %s says %s" % (
                name, extension["version"], extension["file"], version)
    for directory in (".", "flask"):
        path = os.path.join(ROOT, directory)
        for file in os.listdir(path) if os.path.isdir(path) else ():
            if file.endswith(".control") and file[:-8] not in meta["provides"]:
                yield "META.json does not provide %s" % file[:-8]


def versions(meta):
    version = found("ffu.control", r"^default_version *= *'(.*)'")
    for name, other in (
            ("META.json", meta["version"]),
            ("debian/changelog", found("debian/changelog", r"\Affu \((.*)-[^-]*\)")),
            ("clients/django/pyproject.toml", found("clients/django/pyproject.toml", r'^version = "(.*)"')),
            ("clients/sqlalchemy/pyproject.toml", found("clients/sqlalchemy/pyproject.toml", r'^version = "(.*)"')),
            ("clients/activerecord/activerecord-ffu.gemspec",
             found("clients/activerecord/activerecord-ffu.gemspec", r'^  gem\.version = "(.*)"')),
            ("clients/npm/package.json", json.loads(text_of("clients/npm/package.json"))["version"]),
            ("packaging/ffu.spec", found("packaging/ffu.spec", r"^Version: *(\S+)")),
            ("CHANGELOG.md", found("CHANGELOG.md", r"^## \[?([0-9][^] ]*)")),
            ("docs/release-notes.md", found("docs/release-notes.md", r"^## ([0-9].*)$"))):
        if other != version:
            yield "%s has version %s, ffu.control %s" % (name, other, version)


def main():
    schema = json.loads(text_of("packaging/meta.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.FormatChecker())
    meta = json.loads(text_of("META.json"))
    errors = schema_errors(validator, meta)
    if not errors:
        errors = [*blind_spots(validator, schema, meta), *provided(meta), *versions(meta)]
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


main()
