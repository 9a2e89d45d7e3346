# SPDX-License-Identifier: MIT
"""The text format of Prometheus, version 0.0.4, read as strictly as its description has it: by a program that shares
nothing with the one that writes it."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
VALUE = r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? ({VALUE})")
TYPES = ("counter", "gauge", "histogram")


class Family:
    """One metric: `samples` maps the name, and the labels as a sorted tuple of pairs, to the value."""

    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, {}


def labels_of(text):
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match and match[1] not in found, f"labels {text!r}"
        found[match[1]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], match[2])
        at = match.end()
    return tuple(sorted(found.items()))


def parse(text):
    """The families by name. Fails on all that the format forbids, and on timestamps."""
    families, family = {}, None
    assert text.endswith("\n"), "no newline at the end"
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert re.fullmatch(NAME, name) and name not in families and words, line
            family = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert family and family.name == name and family.type is None and not family.samples, line
            assert kind in TYPES, line
            family.type = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line!r}"
            suffixes = ("_bucket", "_sum", "_count") if family.type == "histogram" else ("",)
            assert match[1] in [family.name + suffix for suffix in suffixes], line
            key = (match[1], labels_of(match[2] or ""))
            assert key not in family.samples, f"twice: {line}"
            family.samples[key] = float(match[3])
    for family in families.values():
        assert family.type, f"{family.name} has no type"
        if family.type == "counter":
            assert family.name.endswith("_total"), family.name
        if family.type == "histogram":
            check_histogram(family)
    return families


def check_histogram(family):
    buckets = [(dict(labels)["le"], value) for (name, labels), value in family.samples.items()
               if name.endswith("_bucket")]
    bounds = [float(bound.replace("+Inf", "inf")) for bound, _ in buckets]
    counts = [value for _, value in buckets]
    assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), bounds
    assert counts == sorted(counts), counts
    assert counts[-1] == family.samples[family.name + "_count", ()], "the last bucket holds them all"
    assert family.samples[family.name + "_sum", ()] >= 0


def value(families, name, **labels):
    """The value of one sample; None where there is none."""
    base = next((name.removesuffix(s) for s in ("", "_bucket", "_sum", "_count") if name.removesuffix(s) in families),
                None)
    return families[base].samples.get((name, tuple(sorted(labels.items())))) if base else None


def count_samples(families):
    return sum(len(family.samples) for family in families.values())
