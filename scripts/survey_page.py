"""docs/survey.md, from the rows that scripts/survey has found."""

import os
import re

POLICIES = ["last-fput", "close", "close-not-exit", "owner", "owner-adopt", "stale", "not-inherited"]
# Logs of a guest that are looked at where an order of calls decides.
LOOKS = 3

HEAD = """\
# What would break?

Written by `scripts/survey` (`just survey`): real programs under every policy, all foretold by one judge. Each workload was
run on Linux {host} under `strace -f -yy`; `polter judge` foretold from that log, and from nothing else, what each policy would
answer otherwise; and then the workload was run on a real kernel that has the policy ([kernels](../kernels/README.md),
`polter lab`). A workload checks itself: the server answers, the loop hears, the program ends.

| in a cell | forecast | outcome |
|---|---|---|
| `·` | no call is answered otherwise | ended well |
| `≈` | some are | ended well: the answer came as foretold, and the program lives with it |
| **breaks** | some are | broke |
| `⇄` | some are in one order of two processes' calls, and in another none | ended well: {looks} logs of the guest are all in the other order |
| `≈ ⇄`, **breaks** `⇄` | the same | as without the arrows: the order was the one that matters |
| **?** | | another than foretold |

"""


MEANING = """
## What it means

A program that breaks under a rule would have to be changed before a kernel could have the rule.

- Under `close` and `close-not-exit` it is enough that somebody else closes a copy: a child on its way to an exec, a master
  that has handed a connection on. Its file is still open, and its event loop is deaf to it, or is told ENOENT. Most event loops
  that start processes meet this at once, and a program that is careful and closes what it does not need breaks its parent.
- Where an order decides, the same program works today and breaks tomorrow: the fork and both of its sides are right, and
  which of them comes first is left to the scheduler. No test of one run finds that.
- Under `owner` and `owner-adopt` a registration belongs to the table that made it, and nobody else's close can take it.
- `stale` refuses an inherited instance; whoever makes one of its own after a fork does not notice. It mends no ghost.
- `not-inherited` leaves a hole in the child's numbers: whoever closes the inherited instance by its number, as is good
  practice today, closes what has the number by then.

It says what these programs do with this work, not that no other program would break.
"""


def page(rows, left_out):
    lines = [HEAD.format(host=os.uname().release.split("-")[0], looks=LOOKS)]
    lines.append("| program | " + " | ".join(POLICIES[1:]) + " |\n" + "|---" * len(POLICIES) + "|\n")
    for name, row in rows:
        marks = [mark(row["cells"][policy]) for policy in POLICIES[1:]]
        lines.append(f"| [{name}](../survey/{name}.py) | " + " | ".join(marks) + " |\n")
    cells = [cell for _, row in rows for cell in row["cells"].values()]
    is_today_well = all(row["cells"]["last-fput"]["is_well"] for _, row in rows)
    orders = sum(cell["foretold"]["kind"] == "by order" for cell in cells)
    lines.append(f"\n{len(rows)} programs, {len(cells)} cells (with last-fput, under which all ended "
                 f"{'well' if is_today_well else 'NOT WELL'}); the forecast holds in {sum(cell['holds'] for cell in cells)}. "
                 f"In {orders} of them it says that an order decides.\n")
    lines.append(f"\n## The sum\n\n{sums(rows)}{MEANING}")
    lines.append("\n## What breaks, and by which call\n")
    for name, row in rows:
        differing = {p: c for p, c in row["cells"].items() if c["foretold"]["breaks"] or not c["is_well"]}
        if not differing:
            continue
        lines.append(f"\n**{name}**: {row['about']['what']}\n")
        lines.extend(f"- {', '.join(policies)}: {what}\n" for what, policies in alike(differing))
    lines.append("\n## The workloads\n\n| program | version | what it does |\n|---|---|---|\n")
    for name, row in rows:
        what = " ".join(row["about"]["what"].split())
        lines.append(f"| {name} | {row['about']['version']} | {what} |\n")
    if left_out:
        lines.append("\nLeft out:\n" + "".join(f"- {name}: {why}\n" for name, why in left_out))
    return "".join(lines)


def sums(rows):
    """The table of the README."""
    lines = ["| rule | programs that break | which |\n|---|---|---|\n"]
    for policy in POLICIES[1:]:
        broken = [name for name, row in rows if not row["cells"][policy]["is_well"]]
        lines.append(f"| `{policy}` | {len(broken)} of {len(rows)} | {', '.join(broken) or '–'} |\n")
    return "".join(lines)


def alike(cells):
    """What was found, each with the policies it was found under."""
    found = {}
    for policy, cell in cells.items():
        found.setdefault(described(cell), []).append(policy)
    return found.items()


def mark(cell):
    if not cell["holds"]:
        return "**?**"
    order = "⇄" if cell["foretold"]["kind"] == "by order" else ""
    came = "≈" if cell["seen"] or (cell["foretold"]["kind"] == "breaks") else ""
    if not cell["is_well"]:
        came = "**breaks**"
    return f"{came} {order}".strip() or "·"


def described(cell):
    foretold = cell["foretold"]
    parts = []
    if foretold["breaks"]:
        first = foretold["breaks"][0]
        counts = [counted(foretold["count"], "call")] if foretold["count"] else []
        counts += [f"{counted(foretold['other_count'], 'call')} in another order"] if foretold["other_count"] else []
        order = ", all by an order that nothing enforces" if foretold["kind"] == "by order" else ""
        parts.append(f"{' and '.join(counts)} foretold{order}, first `{short(first['site']['text'])}` ({plain(first['what'])})")
    else:
        parts.append("nothing foretold")
    if not cell["is_well"]:
        parts.append(f"it broke: {cell['said']}")
    elif cell["seen"]:
        parts.append(f"it came as `{short(cell['seen'])}`, and the program lives with it")
    elif cell["other_orders"]:
        parts.append(f"the calls came in the other order each of {cell['other_orders']} times, and it ended well")
    else:
        parts.append("it ended well")
    return "; ".join(parts) + "."


def counted(count, what):
    return f"{count} {what}{'s' if count != 1 else ''}"


def short(call):
    """A call without what strace adds about descriptors, cut to a line."""
    call = re.sub(r"<[^<>]*(<[^<>]*>[^<>]*)*>", "", call)
    return call if len(call) <= 110 else call[:70] + " … " + call[-35:]


def plain(what):
    if "result" in what:
        return f"would be {what['result']['would_be']}"
    return f"the event of {what['event-lost']['fd']} would be lost: its registration is gone"
