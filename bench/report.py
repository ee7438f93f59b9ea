"""What the benchmark writes: a table in the terminal, RESULTS.md, plots."""

import json
import os
import statistics

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
    "bare C loop": "limit",
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


def table(caption, unit, better, groups, plot_kind="bars", ours="ffu"):
    """A table: groups is [(name, {side: [value of each round]})].

    better is "more" or "less"; ours is the side that the others are compared with.
    """
    return {"caption": caption, "unit": unit, "better": better, "plot": plot_kind, "ours": ours,
            "groups": [[name, [[side, values] for side, values in sides.items()]] for name, sides in groups]}


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
        ours = next((values for side, values in sides if side == one["ours"]), None)
        for side, values in sides:
            compared = ""
            if ours and side != one["ours"]:
                compared = f"{number(ratio(ours, values, one['better']))} ×"
            yield (name, side, number(statistics.median(values)),
                   f"{number(min(values))} - {number(max(values))}", compared)
            name = ""


def rounds_of(answer):
    """How many rounds an answer is from, as text: some tables have more than others."""
    counts = [len(values) for one in answer["tables"] for _, sides in one["groups"] for _, values in sides]
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
        groups = [(name, [(side, statistics.median(v), min(v), max(v)) for side, v in group])
                  for name, group in one["groups"]]
        return plot.bars(one["caption"], one["unit"], groups, colours, one["better"])
    if one["plot"] == "stacked":
        groups = [(name, [(side, statistics.median(v)) for side, v in group]) for name, group in one["groups"]]
        return plot.stacked(one["caption"], one["unit"], groups, colours)
    if one["plot"] == "lines":
        series = {}
        for index, (_, group) in enumerate(one["groups"]):
            for side, values in group:
                series.setdefault(side, []).append((index, statistics.median(values)))
        return plot.lines(one["caption"], f"{one['unit']}; {one['better']} is better", series, colours,
                          [name for name, _ in one["groups"]])
    return None


def line(*cells):
    """A line of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


HEAD = """# Results of the benchmark

Made by `make bench` (script/bench); do not edit. What the figures mean for a user is in
[docs/performance.md](../docs/performance.md).

All sides of a question were measured in one run, taking turns, in each round in another order. A figure is the median
of the rounds, beside it the lowest and the highest; the last column says how many times as fast as that side ffu was
(or how many times less it needed): the median of the rounds' ratios. Ratios carry over to other machines better than
the figures do.
"""


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
            json.dump({"machine": self.machine, "answers": self.answers}, file, indent=1)
            file.write("\n")
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
        text = f"\n## {answer['name']}: {lines[0]}\n\n"
        rest = " ".join(line.strip() for line in lines[1:]).strip()
        if rest:
            text += rest + "\n\n"
        text += f"({rounds_of(answer)} rounds on {answer['date']}, commit {answer['commit']})\n\n"
        for index, one in enumerate(answer["tables"]):
            picture = draw(one)
            if picture:
                name = f"{answer['name']}{index + 1 if index else ''}.svg"
                with open(os.path.join(plots, name), "w", encoding="utf-8") as file:
                    file.write(picture)
                text += f"![{one['caption']}](plots/{name})\n\n"
            text += f"{one['caption']}; {one['unit']}, {one['better']} is better:\n\n"
            text += f"| | side | median | range | {one['ours']} is |\n|---|---|---:|---:|---:|\n"
            text += "".join(line(*row) for row in rows_of(one)) + "\n"
        for note in answer["notes"]:
            text += f"- {note}\n"
        return text
