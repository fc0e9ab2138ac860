#!/usr/bin/env python3
"""Holds `rankdx model fit` against numbers that real vLLM runs logged (data/memory-cases.json).

A row's own `config` is what is known of its model; `completed_by` names what its public configuration adds (a known model
or fields). KV tokens are computed from the cache size that the log printed, weights from the configuration.

  memory_cases_test.py --binary build/dev/rankdx [--cases FILE] [--table docs/accuracy-memory.md]
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

DATA = pathlib.Path(__file__).resolve().parent / "data"
TOKENS_WITHIN, TOKENS_FLOOR = 0.03, 0.80
WEIGHTS_WITHIN, WEIGHTS_FLOOR = 0.02, 0.90
MARK = "<!-- table -->"


def merged(base, more):
    result = dict(base)
    for key, value in more.items():
        result[key] = merged(result[key], value) if isinstance(result.get(key), dict) and isinstance(value, dict) else value
    return result


def without_prose(config):
    """A row may describe a list in words ("alternating sliding/full"); a real configuration never does."""
    return {k: v for k, v in config.items() if not (k == "layer_types" and isinstance(v, str)) and k != "hybrid"}


def command(binary, row, folder):
    more = row.get("completed_by", {})
    path = pathlib.Path(folder) / "config.json"
    path.write_text(json.dumps(merged(without_prose(row["config"]), more.get("config", {}))))
    reported = row["reported"]
    args = [binary, "model", "fit", str(path), "-o", "json", "--tp", str(row["tp"]), "--pp", str(row["pp"]), "--vllm", row["vllm"]]
    if "model" in more:
        args += ["--model", more["model"]]
    if reported.get("kv_gib") is not None:
        args += ["--kv-cache-gib", str(reported["kv_gib"])]
    flags = {"max_model_len": "--max-model-len", "block_size": "--block-size", "gpu_total_gib": "--gpu-memory",
             "gpu_mem_util": "--gpu-memory-utilization", "max_num_seqs": "--max-num-seqs",
             "max_num_batched_tokens": "--max-num-batched-tokens"}
    for key, flag in flags.items():
        if row.get(key) is not None:
            args += [flag, str(row[key])]
    dtype = row.get("kv_cache_dtype", "auto").split()[0]
    args += ["--kv-cache-dtype", dtype] + (["--enforce-eager"] if row.get("enforce_eager") else [])
    if row.get("gpu") and "not stated" not in row["gpu"] and "guess" not in row["gpu"]:
        args += ["--gpu", row["gpu"]]
    return args


def answer(binary, row):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(command(binary, row, folder), capture_output=True, text=True, timeout=60, check=False)
    try:
        return json.loads(run.stdout), ""
    except ValueError:
        return None, re.sub(r"^rankdx: (/\S*/)?", "", run.stderr.strip())


def tokens_of(row):
    """What the log said, in tokens; V0 prints blocks."""
    reported = row["reported"]
    if reported.get("kv_gib") is None or reported["kv_gib"] <= 0:
        return None
    if reported.get("kv_tokens"):
        return reported["kv_tokens"]
    return reported["gpu_blocks"] * row.get("block_size", 16) if reported.get("gpu_blocks") else None


def error(logged, computed):
    return None if not logged or computed is None else computed / logged - 1


def cells(row, result, why):
    tokens, weights = tokens_of(row), row["reported"].get("model_load_gib")
    rank = result["per_rank"] if result else {}
    activation = row["reported"].get("activation_peak_gib")
    longest = row["reported"].get("estimated_max_len")
    return {"id": row["id"], "why": why, "vllm": row["vllm"].split(",")[0], "tp": row["tp"], "pp": row["pp"],
            "tokens": (tokens, rank.get("kv_tokens"), error(tokens, rank.get("kv_tokens"))),
            "weights": (weights, rank.get("weights_gib"), error(weights, rank.get("weights_gib"))),
            "activation": (activation, rank.get("activations_gib")),
            "concurrency": (row["reported"].get("max_concurrency"), result and result["max_concurrency"]),
            "longest": (longest, result and result["largest_max_model_len"])}


def verdict(rows, field, within, floor):
    """Rows that the log gives a number for and whose configuration is known; a missing answer counts as a miss."""
    asked = [r for r in rows if r[field][0] and (r[field][1] is not None or not r["lacks"])]
    good = [r for r in asked if r[field][2] is not None and abs(r[field][2]) <= within]
    share = len(good) / len(asked) if asked else 0
    print(f"{'ok  ' if share >= floor else 'FAIL'} {field}: {len(good)} of {len(asked)} within {100 * within:.0f} %"
          f" (at least {100 * floor:.0f} % of the rows)")
    for r in asked:
        if r not in good:
            print(f"       {r['id']}: logged {r[field][0]}, computed {r[field][1]} {r['why']}")
    return share >= floor


def shown(triple, number):
    logged, computed, off = triple
    return [number(logged), number(computed), "" if off is None else f"{100 * off:+.2f} %"]


def table(rows):
    tokens = lambda n: "" if n is None else f"{n:,}"
    gib = lambda n: "" if n is None else f"{n:.2f}"
    lines = ["| run | vLLM | TP x PP | tokens logged | computed | error | weights logged (GiB) | computed | error |",
             "|---|---|---|--:|--:|--:|--:|--:|--:|"]
    for r in rows:
        if r["tokens"][0] or r["weights"][0]:
            lines.append("| " + " | ".join([r["id"], r["vllm"], f"{r['tp']} x {r['pp']}", *shown(r["tokens"], tokens),
                                            *shown(r["weights"], gib)]) + " |")
    return "\n".join(lines)


def write_table(path, rows):
    head, _, rest = path.read_text().partition(MARK)
    _, _, tail = rest.partition(MARK)
    path.write_text(f"{head}{MARK}\n{table(rows)}\n{MARK}{tail}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--cases", type=pathlib.Path, default=DATA / "memory-cases.json")
    parser.add_argument("--table", type=pathlib.Path)
    args = parser.parse_args()
    rows = []
    for row in json.loads(args.cases.read_text()):
        result, why = answer(args.binary, row)
        r = cells(row, result, why)
        basis = {b["number"]: b["how"] for b in result["basis"]} if result else {}
        r["lacks"] = result is None or "lacks" in basis.get("weights_gib", "")
        rows.append(r)
    right = [verdict(rows, "tokens", TOKENS_WITHIN, TOKENS_FLOOR), verdict(rows, "weights", WEIGHTS_WITHIN, WEIGHTS_FLOOR)]
    left_out = [f"{r['id']} ({r['why'] or 'sizes missing'})" for r in rows if r["lacks"] and r["tokens"][1] is None]
    print(f"{len(rows)} rows; without an answer: {', '.join(left_out) or 'none'}")
    if args.table:
        write_table(args.table, rows)
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
