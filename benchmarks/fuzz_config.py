"""Damaged, random and hostile configuration files: every one is read or refused in words, none ends in a traceback.

Run from the repository's folder: python benchmarks/fuzz_config.py [--files 20000] [--seed 1] [--workers 2]

Each file stands in for one file of a whole project (tests/invalid/project), which is then validated and loaded. It
prints how many files were valid and how many were refused, the slowest of them, and every traceback.
"""

from __future__ import annotations

import argparse
import copy
import os
import random
import shutil
import string
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from holdfast.config import RULES, load_catalogue, load_study, validate
from holdfast.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[1] / "tests" / "invalid" / "project"
LIMIT = 2.0
"""Seconds within which a file is validated, and with it the whole project that it stands in."""
CHUNK = 50
ACROSS = {"salt-reused", "slots-overlap"}
PIECES = (
    *("", "~", "[]", "{}", "[[]]", "{a: b}", "true", "0", "-1", "1.5", "99999999999999", "''", "x", "TODO", "NO"),
    *("0d", "99999999999d", "36h", "0%", "100%", "250%", "-3pt", "1 JPY", "0.0pt", "a.b", "a@b", "a@0d", "@", "@1d"),
    *("2026-02-30", "0001-01-01", "9999-12-31", ">= 3", ">3", "none", "5..1", "${env:X}", "*a", "&a", "<<", "!x"),
    *("/etc", "..", "\t", "\0", "\ufeff", "日本語", "\U0001f600", "٣d", "٣%", "'", '"', ":", "- ", "|", "%", "1e999"),
    *("nothing", "data", "control", "customer", "orders", "orders.order", "retained", "column", "ratio", "external"),
    *("9" * 400, "9" * 400 + "d", "9" * 5000 + "%", "9" * 400 + " JPY", "a" * 3000, "Asia", "../x", "not", "12:30:45"),
    *("segment", "lapsed", "top 20%", "offer_end", "off", "2 per 7d", "9999999999 per 1d", "0%..50%", "010", "0x1F"),
    *("onboarding-change", "winback-voucher-10", "balanced", "survival", "funnel", "quantile", "clv", "global-2026"),
    *("{add: [retained], remove: [bought]}", "{tactic: nothing}", "{not: {not: {not: x}}}", "[retained, retained]"),
)


@dataclass
class Outcome:
    """What came of a number of files."""

    valid: int = 0
    refused: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    tracebacks: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Join the counts of another number of files."""
        self.valid += other.valid
        self.refused += other.refused
        self.rules += other.rules
        self.kinds += other.kinds
        self.slowest = max(self.slowest, other.slowest)
        self.tracebacks += other.tracebacks


@cache
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def _tree(text: str) -> Any:
    """The plain values of a whole file, free to be changed."""
    return copy.deepcopy(_parsed(text))


def damaged_bytes(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """A file with some bytes changed, left out, doubled or moved."""
    data = bytearray(whole[name].encode())
    for _ in range(random_.choice((1, 1, 1, 2, 5))):
        at = random_.randrange(len(data) + 1)
        match random_.randrange(5):
            case 0:
                data[at:at] = bytes([random_.randrange(256)])
            case 1:
                del data[at : at + random_.choice((1, 3, 50))]
            case 2:
                data[at : at + 1] = random_.choice((b"\0", b"\xff", b"\t", b"\xc3", b"\r", b"\n", b"\xe2\x80\xa8"))
            case 3:
                data[at : at + 1] = random_.choice("{}[],:#&*!|>'\"%@` \t0aé").encode()
            case _:
                start = random_.randrange(len(data) + 1)
                data[at:at] = data[start : start + random_.randrange(60)]
    return bytes(data)


def swapped_words(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """A file in which words stand in each other's place, or in place of hostile ones."""
    lines = whole[name].splitlines()
    for _ in range(random_.choice((1, 1, 2, 4))):
        index = random_.randrange(len(lines))
        words = lines[index].split(" ")
        at = random_.randrange(len(words))
        other = random_.choice(random_.choice(list(whole.values())).split())
        words[at] = random_.choice((other, random_.choice(PIECES), random_.choice(PIECES) + ","))
        lines[index] = " ".join(words)
        if random_.random() < 0.2:
            lines.insert(random_.randrange(len(lines)), random_.choice(lines))
        if random_.random() < 0.2 and len(lines) > 1:
            del lines[random_.randrange(len(lines))]
    return "\n".join(lines).encode()


def changed_values(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """A file with plain values that stand under the same key elsewhere, or that are a little larger or smaller."""
    tree = _tree(whole[name])
    donors = [node for text in whole.values() for node in _nodes(_tree(text)) if isinstance(node, dict)]
    for _ in range(random_.choice((1, 1, 2, 3))):
        holder = random_.choice([node for node in _nodes(tree) if isinstance(node, dict) and node])
        key = random_.choice(list(holder))
        value = holder[key]
        if isinstance(value, str) and any(character.isdigit() for character in value) and random_.random() < 0.5:
            digits = [at for at, character in enumerate(value) if character.isdigit()]
            at = random_.choice(digits)
            holder[key] = value[:at] + random_.choice("0123456789") + value[at + 1 :]
        elif isinstance(value, int) and random_.random() < 0.5:
            holder[key] = value + random_.choice((-1, 1, 50))
        else:
            holder[key] = random_.choice([node[key] for node in donors if key in node] or [value])
    text: str = yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return text.encode()


def changed_structure(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """A file whose values stand elsewhere, are of another kind, or are missing."""
    tree = _tree(whole[name])
    donors = [node for text in random_.sample(list(whole.values()), 2) for node in _nodes(_tree(text))]
    for _ in range(random_.randint(1, 4)):
        holder = random_.choice([node for node in _nodes(tree) if isinstance(node, dict | list) and node])
        key = random_.choice(list(holder) if isinstance(holder, dict) else list(range(len(holder))))
        match random_.randrange(6):
            case 0:
                del holder[key]
            case 1:
                holder[key] = random_.choice(donors)
            case 2:
                holder[key] = random_.choice(PIECES)
            case 3:
                holder[key] = [holder[key]] if random_.random() < 0.5 else {str(key): holder[key]}
            case 4:
                holder[key] = random_.choice((None, True, 0, -1, 3.5, [], {}, "", 10**12, "x" * 200))
            case _:
                _add(random_, holder, random_.choice(donors))
        if not tree:
            break
    text: str = yaml.safe_dump(
        tree, sort_keys=False, allow_unicode=True, default_flow_style=random_.choice((None, True))
    )
    return text.encode()


def _nodes(tree: Any) -> list[Any]:
    found = [tree]
    for node in found:
        if len(found) > 3000:
            break
        if isinstance(node, dict):
            found.extend(node.values())
        elif isinstance(node, list):
            found.extend(node)
    return found


def _add(random_: random.Random, holder: Any, value: Any) -> None:
    if isinstance(holder, dict):
        holder[random_.choice((*holder, *PIECES[:40], "extends", "tactic", "variants", "where", "window"))] = value
    else:
        holder.append(value)


def random_yaml(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """A file of random shape under the words that the language knows."""
    words = [word.strip("{}[],:") for word in " ".join(whole.values()).split()]

    def node(depth: int) -> Any:
        draw = random_.random()
        if depth > 6 or draw < 0.45:
            return random_.choice((random_.choice(words), random_.choice(PIECES), random_.randint(-5, 500), None, True))
        if draw < 0.65:
            return [node(depth + 1) for _ in range(random_.randrange(4))]
        return {random_.choice(words) or "a": node(depth + 1) for _ in range(random_.randrange(6))}

    top = list(_tree(whole[name]))
    tree = {random_.choice((*top, random_.choice(words))): node(0) for _ in range(random_.randint(1, 9))}
    text: str = yaml.dump(tree, Dumper=yaml.CSafeDumper, allow_unicode=True)
    return text.encode()


def random_noise(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """Random bytes or random characters of YAML, by themselves or after the beginning of a file."""
    length = random_.choice((0, 1, 10, 300, 5000))
    noise = (
        random_.randbytes(length)
        if random_.random() < 0.4
        else "".join(random_.choices("{}[],:#&*!|>'\"%@`- \n\t" + string.ascii_letters[:8], k=length)).encode()
    )
    start = whole[name].encode()
    return start[: random_.randrange(len(start))] + noise if random_.random() < 0.5 else noise


def bomb(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """A file made to fill the memory or the stack of whoever reads it."""
    width, depth = random_.randint(2, 40), random_.randint(2, 60)
    top = next(iter(_tree(whole[name])))
    kinds: tuple[Callable[[], str], ...] = (
        lambda: "\n".join(
            ["l0: &l0 [x, x]", *(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * width)}]" for i in range(1, depth))]
        ),
        lambda: f"{top}: " + "[" * random_.choice((60, 70, 1000, 200_000)),
        lambda: f"{top}: " + "{a: " * random_.choice((60, 70, 1000, 100_000)),
        lambda: "- " * random_.choice((60, 70, 30_000)),
        lambda: f"{top}: &a {{b: {{c: *a, <<: *a}}}}",
        lambda: f"{top}:\n" + "".join(f"  k{i}: v\n" for i in range(random_.choice((1000, 20_000)))),
        lambda: f"{top}: [" + "1," * random_.choice((1000, 20_000, 150_000)) + "]",
        lambda: f"{top}: " + "x" * random_.choice((10_000, 900_000, 2_000_000)),
        lambda: f"{top}: '" + "''" * random_.choice((10_000, 400_000)) + "'",
        lambda: "#" * random_.choice((10_000, 900_000, 2_000_000)),
        lambda: f"{top}: &x {{}}\nb: [" + "*x, " * random_.choice((90, 110, 5000)) + "]",
        lambda: "? " * random_.choice((30, 500, 20_000)) + "a",
        lambda: whole[name] + "\n" * random_.choice((1000, 900_000)),
        lambda: "---\n" * random_.choice((2, 1000, 100_000)),
    )
    return random_.choice(kinds)().encode()


def large(random_: random.Random, whole: dict[str, str], name: str) -> bytes:
    """A file of ten megabytes."""
    piece = random_.choice((whole[name], "x", "- a\n", "a: b\n", "[", "\0", "&a ", "# \n"))
    return (piece * (10_000_000 // len(piece) + 1)).encode()[:10_000_000]


Maker = Callable[[random.Random, dict[str, str], str], bytes]
MAKERS: tuple[tuple[Maker, int], ...] = (
    (damaged_bytes, 24),
    (swapped_words, 22),
    (changed_values, 18),
    (changed_structure, 18),
    (random_yaml, 9),
    (random_noise, 5),
    (bomb, 3),
    (large, 1),
)


def read_project() -> dict[str, str]:
    """Every file of the project by its path."""
    files = sorted(PROJECT.rglob("*.yaml"))
    return {file.relative_to(PROJECT).as_posix(): file.read_text(encoding="utf-8") for file in files}


def one_file(root: Path, name: str, data: bytes, outcome: Outcome, *, load: bool = True) -> None:
    """Put one file in place, validate and load the project, and count what came of it."""
    (root / name).write_bytes(data)
    # processor time, so that a busy machine does not count against a file
    start = time.process_time()
    try:
        findings = validate(root)
        assert findings == sorted(findings)
        assert all(finding.rule in RULES and len(finding.message) < 2000 for finding in findings), findings
        # what no experiment breaks alone is found by comparing all of them, which loading one does not
        errors = [finding for finding in findings if finding.severity == "error"]
        alone = any(item.rule not in ACROSS or not item.path.startswith("experiments/") for item in errors)
        if load or not errors:
            assert _loads(root) != alone, findings[:5]
        outcome.refused += bool(errors)
        outcome.valid += not errors
        outcome.rules.update({finding.rule for finding in findings})
    except Exception:
        outcome.tracebacks.append(f"{name}\n{data[:4000]!r}\n{traceback.format_exc()}")
    seconds = time.process_time() - start
    outcome.slowest = max(outcome.slowest, (seconds, f"{name}, {len(data):,} bytes, {data[:40]!r}"))


def _loads(root: Path) -> bool:
    """Whether every experiment can be loaded, or is refused with findings."""
    whole = True
    try:
        catalogue = load_catalogue(root)
    except ConfigError as error:
        assert error.findings
        return False
    for slug in catalogue.slugs:
        try:
            assert len(load_study(catalogue, slug).config_hash) == 64
        except ConfigError as error:
            assert error.findings
            whole = False
    return whole


def run(seed: int, chunk: int, number: int) -> Outcome:
    """Some files of a run; the same seed and chunk give the same files."""
    random_ = random.Random(f"{seed}/{chunk}")
    whole = read_project()
    makers, weights = zip(*MAKERS, strict=True)
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(PROJECT, Path(folder) / "project"))
        for _ in range(number):
            name = random_.choice(list(whole))
            maker = random_.choices(makers, weights)[0]
            outcome.kinds[maker.__name__] += 1
            # what is refused is loaded too, but not each time: the same reading would only be done again
            one_file(root, name, maker(random_, whole, name), outcome, load=random_.random() < 0.15)
            (root / name).write_text(whole[name], encoding="utf-8")
    return outcome


def _job(task: tuple[int, int, int]) -> Outcome:
    warnings.simplefilter("error")
    os.environ["KELP_DATA"] = "data"
    return run(*task)


def main() -> None:
    """Run all files over the workers, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    start = time.perf_counter()
    tasks = [
        (options.seed, chunk, min(CHUNK, options.files - chunk * CHUNK)) for chunk in range(-(-options.files // CHUNK))
    ]
    total = Outcome()
    with ProcessPoolExecutor(options.workers) as pool:
        for outcome in pool.map(_job, tasks):
            total.add(outcome)
    number = total.valid + total.refused + len(total.tracebacks)
    print(f"{number:,} files with seed {options.seed} in {time.perf_counter() - start:.0f} s: ", end="")
    print(f"{total.valid:,} valid, {total.refused:,} refused, {len(total.tracebacks)} tracebacks")
    print("made by: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(total.kinds.items())))
    print(f"rules that were broken: {len(total.rules)} of {len(RULES)}")
    print(f"slowest: {total.slowest[0]:.2f} s of processor time ({total.slowest[1]})")
    for text in total.tracebacks[:20]:
        print(text, file=sys.stderr)
    if total.tracebacks or total.slowest[0] > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
