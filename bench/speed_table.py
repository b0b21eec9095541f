"""The tables of bench/peers. A cell without a figure says "not measured", and why stands below the table."""
from speed_rows import OURS, ROWS
from turns import table_row


def memory_mib(taken):
    """Of the device if it has memory of its own, else of the process."""
    device = taken.most("device_peak_mib")
    return taken.most("peak_mib") if device is None else device


class Table:
    def __init__(self, sides):
        """`sides`: the titles of the others by name."""
        self.sides, self.lines, self.whys = sides, [], []

    def add(self, row, dtype, ours, others):
        """`others`: {name: (what it measured, what this code measured in the same turns)}; a name that is absent does not have
        the row."""
        seconds, memory = [self.figure(OURS, ours)], [self.memory(ours)]
        for name, title in self.sides.items():
            if name not in others:
                seconds.append("–")
                memory.append("–")
                continue
            theirs, beside = others[name]
            cell = self.figure(title, theirs)
            if theirs.counted and beside.counted:
                cell += f" ({theirs.median() / beside.median():.2f})"
            seconds.append(cell)
            memory.append(self.memory(theirs))
        self.lines.append(([ROWS[row], dtype], seconds, memory))
        return self.lines[-1]

    def figure(self, title, taken):
        if taken.counted:
            return f"{taken.median():.3g}"
        if (title, taken.why) not in self.whys:
            self.whys.append((title, taken.why))
        return f"not measured [{1 + self.whys.index((title, taken.why))}]"

    @staticmethod
    def memory(taken):
        mib = memory_mib(taken)
        return "–" if mib is None else f"{mib / 1024:.2f}"

    def markdown(self):
        titles = [OURS, *self.sides.values()]
        parts = []
        for what, which in ((f"Seconds (and in parentheses, how many times those of {OURS})", 1), ("Peak memory, GiB", 2)):
            parts += [f"{what}:", "", table_row(["row", "precision", *titles]), "|---" * (2 + len(titles)) + "|"]
            parts += [table_row(line[0] + line[which]) for line in self.lines]
            parts.append("")
            if which == 1 and self.whys:
                parts += [f"[{i + 1}] {title}: {why}  " for i, (title, why) in enumerate(self.whys)] + [""]
        parts.append("–: the program does not have this row.")
        return "\n".join(parts) + "\n"
