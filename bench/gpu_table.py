"""The tables of bench/gpu. What did not run says "not measured", and why."""
from speed_rows import OURS, ROWS
from turns import table_row

CEILINGS = {"matmul_bf16": "product of matrices, bf16", "matmul_tf32": "product of matrices, fp32 with TF32",
            "matmul_fp32": "product of matrices, fp32", "copy": "copy on the device"}


def section(title, columns, lines):
    if not lines:
        return ""
    return "\n".join([f"{title}:", "", table_row(columns), "|---" * len(columns) + "|", *map(table_row, lines), "", ""])


def not_measured(why):
    return f"not measured: {why}"


def ceiling_lines(taken):
    """`taken`: {row: Taken}."""
    lines = []
    for row, one in taken.items():
        rate = None if not one.counted else one.counted[-1]["work"] / one.median()
        lines.append([CEILINGS[row], not_measured(one.why) if rate is None else f"{rate:.3g} {one.counted[-1]['unit']}"])
    return lines


def waiting_lines(rows):
    """`rows`: [(row, dtype, Taken of this code)]."""
    lines = []
    for row, dtype, one in rows:
        if one.counted:
            enqueued, seconds = one.median("enqueued"), one.median()
            lines.append([ROWS[row], dtype, f"{enqueued:.3g}", f"{seconds:.3g}", f"{enqueued / seconds:.0%}"])
        else:
            lines.append([ROWS[row], dtype, not_measured(one.why), "", ""])
    return lines


def check_lines(names, taken):
    lines = []
    for row, one in taken.items():
        if one.counted:
            found = one.counted[-1]
            kept = "yes" if found["difference"] <= found["bound"] else "NO"
            lines.append([names[row], f"{found['difference']:.2g}", f"{found['bound']:.2g}", kept])
        else:
            lines.append([names[row], not_measured(one.why), "", ""])
    return lines


def resume_lines(found):
    if "why" in found:
        return [["a training is killed and goes on", not_measured(found["why"])]]
    bits = "the same bits" if found["same_bits"] else "other bits"
    losses = " and ".join(f"{loss:.6g}" for loss in found["losses"])
    return [[f"killed, resumed at step {found['resumed_at']}",
             f"{bits} as without the interruption; the last losses are {losses}"]]


def markdown(results, speeds, names):
    """`results`: as bench/gpu.py collects them. `speeds`: a Table of speed_table.py."""
    return (section("Ceilings", ["what", "rate"], ceiling_lines(results["ceilings"]))
            + (speeds.markdown() + "\n" if speeds.lines else "")
            + section(f"How long {OURS} takes to enqueue its work, and the device to finish it, seconds",
                      ["row", "precision", "enqueued", "finished", "share"], waiting_lines(results["ours"]))
            + section("Beside the CPU, with the tiny base model (relative errors)", ["check", "difference", "bound", "kept"],
                      check_lines(names, results["checks"]))
            + section("A training on the device", ["what", "result"],
                      resume_lines(results["resume"]) if results["resume"] else []))
