#!/usr/bin/env python3
"""Holds `rankdx model fit` against numbers that real vLLM runs logged (data/memory-cases.json).

A row's own `config` is what is known of its model. Its name completes it where the binary knows a model of that name, and
words like "fp8" or "4-bit" beside the name say how it is quantised where the configuration does not; `completed_by` adds more
of its public configuration. KV tokens are computed from the cache size that the log printed, weights from the configuration.

  memory_cases_test.py --binary build/dev/rankdx [--cases FILE] [--table docs/accuracy-memory.md]
"""
import argparse
import functools
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


# "4-bit" is read as the usual groups of 128 with zero points.
FOUR_BITS = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}


@functools.lru_cache
def known_models(binary):
    """Full names by what people write: with and without the organisation, in lower case."""
    names = subprocess.run([binary, "model", "fit", "--list-models"], capture_output=True, text=True, check=True).stdout.split()
    return {short: name for name in reversed(names) for short in (name.lower(), name.lower().split("/")[-1])}


def named_model(binary, row):
    words = re.split(r"[\s,()]+", (row.get("model") or "").lower())
    return next((known_models(binary)[word] for word in words if word in known_models(binary)), None)


def says(row, pattern):
    return re.search(pattern, f"{row.get('model')} {row.get('dtype')}".lower()) is not None


def command(binary, row, folder):
    more = row.get("completed_by", {})
    config = merged(without_prose(row.get("config") or {}), more.get("config", {}))
    if "quantization_config" not in config and says(row, r"4-?bit|int4|awq|gptq|w4a16|wna16|autoround"):
        config["quantization_config"] = FOUR_BITS
    path = pathlib.Path(folder) / "config.json"
    path.write_text(json.dumps(config))
    reported = row.get("reported") or {}
    args = [binary, "model", "fit", str(path), "-o", "json", "--tp", str(row.get("tp") or 1), "--pp", str(row.get("pp") or 1)]
    args += ["--vllm", row["vllm"]] if row.get("vllm") else []
    args += ["--dp", str(row["dp"])] if row.get("dp") else []
    args += ["--ep"] if row.get("enable_expert_parallel") else []
    model = more.get("model") or named_model(binary, row)
    args += ["--model", model] if model else []
    args += ["--quantization", "fp8"] if says(row, "fp8") and "quantization_config" not in config else []
    if reported.get("kv_gib") is not None:
        args += ["--kv-cache-gib", str(reported["kv_gib"])]
    flags = {"max_model_len": "--max-model-len", "block_size": "--block-size", "gpu_total_gib": "--gpu-memory",
             "gpu_mem_util": "--gpu-memory-utilization", "max_num_seqs": "--max-num-seqs",
             "max_num_batched_tokens": "--max-num-batched-tokens"}
    for key, flag in flags.items():
        if row.get(key) is not None:
            args += [flag, str(row[key])]
    dtype = ((row.get("kv_cache_dtype") or "auto").split() or ["auto"])[0]
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
    reported = row.get("reported") or {}
    if reported.get("kv_gib") is None or reported["kv_gib"] <= 0:
        return None
    if reported.get("kv_tokens"):
        return reported["kv_tokens"]
    return reported["gpu_blocks"] * (row.get("block_size") or 16) if reported.get("gpu_blocks") else None


def error(logged, computed):
    return None if not logged or computed is None else computed / logged - 1


def cells(row, result, why):
    reported = row.get("reported") or {}
    tokens, weights = tokens_of(row), reported.get("model_load_gib")
    rank = result["per_rank"] if result else {}
    activation = reported.get("activation_peak_gib")
    longest = reported.get("estimated_max_len")
    return {"id": row["id"], "why": why, "vllm": (row.get("vllm") or "").split(",")[0], "tp": row.get("tp") or 1, "pp": row.get("pp") or 1,
            "tokens": (tokens, rank.get("kv_tokens"), error(tokens, rank.get("kv_tokens"))),
            "weights": (weights, rank.get("weights_gib"), error(weights, rank.get("weights_gib"))),
            "activation": (activation, rank.get("activations_gib")),
            "concurrency": (reported.get("max_concurrency"), result and result["max_concurrency"]),
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
