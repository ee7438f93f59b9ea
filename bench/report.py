"""What the benchmark writes: a table in the terminal, RESULTS.md, plots."""

import json
import os
import re
import statistics
import textwrap

import plot
from plot import number

# Which colour a side has in every plot.
COLOURS = {
    "ffu": "ffu", "ffu, one directory": "ffu-2", "ffu, text protocol": "ffu-2", "ffu, in pieces": "ffu-3",
    "ffu, by large object": "ffu-2", "ffu, import": "ffu-2", "ffu, import by move": "ffu-3",
    "ffu, stream": "ffu-2", "ffu.check": "ffu", "ffu, preloaded": "ffu", "ffu, not preloaded": "ffu-2",
    "bytea": "database", "bytea, text protocol": "database-2",
    "lo_from_bytea": "database-2", "lo_write": "database-3", "lo_get": "database-2", "lo_read": "database-3",
    "careful application": "application", "careful, one directory": "application-2",
    "careless application": "application-2",
    "pg_read_binary_file": "limit", "file, by an application": "application",
    "bare C loop": "limit", "ffu, all": "ffu-2", "ffu, off": "ffu-3", "bare PUT and a row": "limit",
    "bare C loop, 8 connections": "limit", "ffu, COMMIT alone": "ffu-2", "ffu, in the folder": "ffu-2",
    "ffu, with a file name": "ffu-2", "boto3, then the row": "application", "the row, then boto3": "application-2",
}


def colours_for(sides):
    """Colours of sides; those without one of their own get what is left."""
    rest = [c for c in plot.COLOURS if c not in ("ffu",)]
    chosen = {}
    for side in sides:
        chosen[side] = COLOURS.get(side) or rest[len(chosen) % len(rest)]
    return chosen


def ratios(ours, theirs, better):
    """By how much ours is better, in each round."""
    pairs = zip(ours, theirs)
    if better == "more":
        return [a / b for a, b in pairs]
    return [b / a for a, b in pairs]


def ratio(ours, theirs, better):
    """By how much ours is better, as the median of the rounds' ratios."""
    return statistics.median(ratios(ours, theirs, better))


def summary(values, ours, better):
    """What is kept of a side's rounds: how many, median, lowest, highest, and how ours compares, if it was measured."""
    kept = [statistics.median(values), min(values), max(values), ratio(ours, values, better) if ours else None]
    return [len(values)] + [value and float(f"{value:.6g}") for value in kept]


def table(caption, unit, better, groups, plot_kind="bars", ours="ffu"):
    """A table: groups is [(name, {side: [value of each round]})], of which a summary is kept.

    better is "more" or "less"; ours is the side that the others are compared with.
    """
    return {"caption": caption, "unit": unit, "better": better, "plot": plot_kind, "ours": ours,
            "groups": [[name, [[side, summary(values, side != ours and sides.get(ours), better)] for side, values in sides.items()]]
                       for name, sides in groups]}


def target(text, value, limit, at_most=False, unit="×"):
    """A target: value against limit; value None where it was not measured.

    Of the values of all rounds the median counts, and the middle half of them is kept.
    """
    middle = None
    if isinstance(value, list):
        if len(value) > 2:
            low, _, high = statistics.quantiles(value, n=4, method="inclusive")
            middle = [low, high]
        value = statistics.median(value)
    met = None if value is None else (value <= limit if at_most else value >= limit)
    return {"text": text, "value": value, "middle": middle, "limit": limit, "at_most": at_most, "unit": unit, "met": met}


def verdict(entry):
    if entry["met"] is None:
        return "not measured"
    return "met" if entry["met"] else "**not met**"


def said(entry):
    """A target's value, the middle half of the rounds, and its limit as text."""
    sign = "≤" if entry["at_most"] else "≥"
    value = "-" if entry["value"] is None else f"{number(entry['value'])} {entry['unit']}"
    middle = entry.get("middle")
    middle = f"{number(middle[0])} - {number(middle[1])}" if middle else ""
    return value, middle, f"{sign} {number(entry['limit'])} {entry['unit']}"


def rows_of(one):
    """The rows of a table: group, side, median, lowest, highest, how ours compares."""
    for name, sides in one["groups"]:
        for side, (_, median, low, high, times) in sides:
            yield (name, side, number(median), f"{number(low)} - {number(high)}", f"{number(times)} ×" if times else "")
            name = ""


def rounds_of(answer):
    """How many rounds an answer is from, as text: some tables have more than others."""
    counts = [kept[0] for one in answer["tables"] for _, sides in one["groups"] for _, kept in sides]
    if not counts:
        return str(answer["rounds"])
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"


def print_answer(answer):
    """An answer in the terminal."""
    for one in answer["tables"]:
        print(f"   {one['caption']} ({one['unit']}, {one['better']} is better)")
        rows = list(rows_of(one))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for row in rows:
            print(f"     {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  "
                  f"{row[3]:>{widths[3]}}  {row[4]:>{widths[4]}}")
    for entry in answer["targets"]:
        value, middle, limit = said(entry)
        middle = f" [{middle}]" if middle else ""
        print(f"   target: {entry['text']}: {value}{middle} ({limit}): {verdict(entry).strip('*')}")
    for note in answer["notes"]:
        print(f"   note: {note}")


def print_targets(results):
    met = [entry["met"] for answer in results.answers.values() for entry in answer["targets"]]
    print(f"targets: {met.count(True)} met, {met.count(False)} not met, {met.count(None)} not measured")


def draw(one):
    """The plot of a table as SVG; None where there is nothing to draw."""
    sides = [side for _, group in one["groups"] for side, _ in group]
    colours = colours_for(dict.fromkeys(sides))
    if one["plot"] == "bars":
        groups = [(name, [(side, *kept[1:4]) for side, kept in group]) for name, group in one["groups"]]
        return plot.bars(one["caption"], one["unit"], groups, colours, one["better"])
    if one["plot"] == "stacked":
        groups = [(name, [(side, kept[1]) for side, kept in group]) for name, group in one["groups"]]
        return plot.stacked(one["caption"], one["unit"], groups, colours)
    if one["plot"] == "lines":
        series = {}
        for index, (_, group) in enumerate(one["groups"]):
            for side, kept in group:
                series.setdefault(side, []).append((index, kept[1]))
        return plot.lines(one["caption"], f"{one['unit']}; {one['better']} is better", series, colours,
                          [name for name, _ in one["groups"]])
    return None


def line(*cells):
    """A line of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


HEAD = """# Results of the benchmark

Made by `make bench` (script/bench); do not edit. What the figures mean is in
[README.md](README.md).

All sides of a question were measured in one run, taking turns, in each round in
another order. A figure is the median of the rounds, beside it the lowest and
the highest. The last column says how many times as fast as that side ffu was
(or how many times less it needed): the median of the rounds' ratios. Ratios
carry over to other machines better than the figures do.
"""


def wrapped(text, rest=""):
    return "\n".join(textwrap.wrap(text, 80, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)) + "\n"


class Results:
    """The answers, by question; those of an earlier run stay until they are asked again."""

    def __init__(self, path):
        self.path, self.answers, self.machine = path, {}, []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.answers = json.load(file)["answers"]

    def add(self, answer):
        self.answers[answer["name"]] = answer

    def write(self, directory, order):
        with open(self.path, "w", encoding="utf-8") as file:
            text = json.dumps({"machine": self.machine, "answers": self.answers}, indent=1, ensure_ascii=False)
            # A side in a line, to be read and compared.
            file.write(re.sub(r'\[\s*(?:"[^"]*",\s*\[[^][{}]*\]|[^][{}]*)\s*\]', lambda m: " ".join(m[0].split()), text) + "\n")
        plots = os.path.join(directory, "plots")
        os.makedirs(plots, exist_ok=True)
        answers = [self.answers[name] for name in order if name in self.answers]
        with open(os.path.join(directory, "RESULTS.md"), "w", encoding="utf-8") as file:
            file.write(HEAD + self.machine_text() + self.targets_text(answers))
            for answer in answers:
                file.write(self.answer_text(answer, plots))

    def machine_text(self):
        return "\n## The machine\n\n| | |\n|---|---|\n" + "".join(
            line(name, value) for name, value in self.machine)

    def targets_text(self, answers):
        text = "\n## Targets\n\n| question | target | asked | measured | middle half of the rounds | |\n|---|---|---|---|---|---|\n"
        for answer in answers:
            for entry in answer["targets"]:
                value, middle, limit = said(entry)
                text += line(answer["name"], entry["text"], limit, value, middle, verdict(entry))
        return text

    def answer_text(self, answer, plots):
        lines = answer["doc"].strip().splitlines()
        text = f"\n## {answer['name']}\n\n" + wrapped(f"**{lines[0]}**") + "\n"
        rest = " ".join(line.strip() for line in lines[1:]).strip()
        if rest:
            text += wrapped(rest) + "\n"
        text += f"({rounds_of(answer)} rounds on {answer['date']}, commit {answer['commit']})\n\n"
        for index, one in enumerate(answer["tables"]):
            picture = draw(one)
            if picture:
                name = f"{answer['name']}{index + 1 if index else ''}.svg"
                with open(os.path.join(plots, name), "w", encoding="utf-8") as file:
                    file.write(picture)
                text += f"![{one['caption']}](plots/{name})\n\n"
            text += wrapped(f"{one['caption']}; {one['unit']}, {one['better']} is better:") + "\n"
            text += f"| | side | median | range | {one['ours']} is |\n|---|---|---:|---:|---:|\n"
            text += "".join(line(*row) for row in rows_of(one)) + "\n"
        for note in answer["notes"]:
            text += wrapped(f"- {note}", "  ")
        return text
