#!/usr/bin/env python3
"""Runs `rankdx model fit` over small and large made-up model directories (sparse files): weights of the headers agree with
those of the configuration, quantised and Mistral names are placed, hostile directories get an answer.

  model_fit_test.py --binary build/dev/rankdx
"""
import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

import jsonschema

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parent.parent / "schema" / "fit.schema.json").read_text())
SIZES = {"BF16": 2, "F16": 2, "F32": 4, "F8_E4M3": 1, "I32": 4, "U8": 1}


def write_safetensors(path, tensors):
    """tensors: name -> (dtype, shape). The data is a hole."""
    header, at = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = SIZES[dtype]
        for d in shape:
            size *= d
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        out.truncate(8 + len(text) + at)


def llama(c, prefix="model.", dtype="BF16"):
    h, i, q, kv = c["hidden_size"], c["intermediate_size"], c["num_attention_heads"] * 128, c["num_key_value_heads"] * 128
    tensors = {f"{prefix}embed_tokens.weight": (dtype, [c["vocab_size"], h]), f"{prefix}norm.weight": (dtype, [h])}
    if not c["tie_word_embeddings"]:
        tensors["lm_head.weight"] = (dtype, [c["vocab_size"], h])
    for n in range(c["num_hidden_layers"]):
        at = f"{prefix}layers.{n}."
        for name, shape in (("self_attn.q_proj", [q, h]), ("self_attn.k_proj", [kv, h]), ("self_attn.v_proj", [kv, h]),
                            ("self_attn.o_proj", [h, q]), ("mlp.gate_proj", [i, h]), ("mlp.up_proj", [i, h]),
                            ("mlp.down_proj", [h, i]), ("input_layernorm", [h]), ("post_attention_layernorm", [h])):
            tensors[f"{at}{name}.weight"] = (dtype, shape)
    return tensors


CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 8, "hidden_size": 1024,
          "intermediate_size": 4096, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 128,
          "vocab_size": 32000, "max_position_embeddings": 8192, "tie_word_embeddings": False, "dtype": "bfloat16"}


class Bench:
    def __init__(self, binary):
        self.binary, self.failed = binary, 0

    def fit(self, path, *flags):
        run = subprocess.run([self.binary, "model", "fit", str(path), "-o", "json", *flags], capture_output=True, timeout=60, check=False)
        answer = json.loads(run.stdout) if run.stdout else None
        if answer:
            jsonschema.validate(answer, SCHEMA)
        return run.returncode, answer, run.stderr.decode(errors="replace")

    def check(self, what, got, wanted):
        if got != wanted:
            self.failed += 1
            print(f"FAIL {what}: got {got!r}, wanted {wanted!r}")

    def near(self, what, got, wanted, within=0.002):
        if got is None or abs(got / wanted - 1) > within:
            self.failed += 1
            print(f"FAIL {what}: got {got!r}, wanted {wanted!r} within {within}")


def model(folder, name, config, tensors, shards=1):
    path = pathlib.Path(folder) / name
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    names = list(tensors)
    for s in range(shards):
        part = {n: tensors[n] for n in names[s::shards]}
        write_safetensors(path / f"model-{s + 1:05d}-of-{shards:05d}.safetensors", part)
    return path


def weights(bench, path, *flags):
    code, answer, _ = bench.fit(path, *flags, "--kv-cache-gib", "1")
    return answer["per_rank"]["weights_gib"], next(b["how"] for b in answer["basis"] if b["number"] == "weights_gib"), code


def headers_agree_with_configuration(bench, folder):
    path = model(folder, "plain", CONFIG, llama(CONFIG), shards=3)
    for flags in ((), ("--tp", "2"), ("--tp", "8"), ("--pp", "3"), ("--tp", "2", "--pp", "2")):
        from_headers, how, code = weights(bench, path, *flags)
        from_config, _, _ = weights(bench, path / "config.json", *flags)
        bench.near(f"weights with {flags}", from_headers, from_config)
        bench.check(f"source of weights with {flags}", how, "headers of 3 safetensors files (75 tensors)")
        bench.check(f"exit code with {flags}", code, 0)
    # Eight ranks, four KV heads: each rank holds one head of each, twice what an eighth would be.
    eighth, _, _ = weights(bench, path, "--tp", "8")
    bench.near("weights over more ranks than KV heads", eighth,
               (2 * 32000 * 1024 * 2 / 8 + 8 * (2 * (2 * 1024 * 1024 / 8 + 2 * 128 * 1024 + 3 * 4096 * 1024 / 8))) / 2**30 + 8192 * 128 * 2 / 2**30)


def other_names(bench, folder):
    tied = dict(CONFIG, tie_word_embeddings=True)
    path = model(folder, "tied", tied, llama(CONFIG))  # a head that is stored although it is tied
    bench.near("a tied head is not loaded", weights(bench, path)[0], weights(bench, path / "config.json")[0])
    nested = {"model_type": "llava", "text_config": CONFIG, "vision_config": {}}
    path = model(folder, "nested", nested, llama(CONFIG, "language_model.model."))
    bench.near("names behind language_model.", weights(bench, path, "--tp", "2")[0], weights(bench, path / "config.json", "--tp", "2")[0])
    wide = model(folder, "float32", dict(CONFIG, dtype="float32"), llama(CONFIG, dtype="F32"))
    bench.near("32-bit files are loaded in 16 bits", weights(bench, wide)[0], weights(bench, wide / "config.json")[0])
    plain = weights(bench, wide)[0]
    online = weights(bench, model(folder, "online", CONFIG, llama(CONFIG)), "--quantization", "fp8")[0]
    head = 2 * 32000 * 1024 * 2 / 2**30
    bench.near("--quantization fp8 halves the layers", online - head, (plain - head) / 2, 0.03)
    draft = dict(llama(CONFIG), **{"model.layers.8.mlp.up_proj.weight": ("BF16", [65536, 1024]), "mtp.fc.weight": ("BF16", [65536, 1024])})
    path = model(folder, "draft", CONFIG, draft)
    bench.near("draft layers are not loaded", weights(bench, path)[0], plain)


def quantised(bench, folder):
    awq = dict(CONFIG, quantization_config={"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True})
    tensors = {}
    for name, (dtype, shape) in llama(CONFIG).items():
        if "_proj." not in name:
            tensors[name] = (dtype, shape)
            continue
        out, into = shape
        module = name.removesuffix(".weight")
        tensors[module + ".qweight"] = ("I32", [into, out // 8])
        tensors[module + ".qzeros"] = ("I32", [into // 128, out // 8])
        tensors[module + ".scales"] = ("F16", [into // 128, out])
    path = model(folder, "awq", awq, tensors)
    for flags in ((), ("--tp", "4")):
        bench.near(f"AWQ with {flags}", weights(bench, path, *flags)[0], weights(bench, path / "config.json", *flags)[0], 0.005)
    code, answer, _ = bench.fit(path, "--tp", "8", "--kv-cache-gib", "1")
    bench.check("groups divide over 8 ranks", code, 0)
    odd = dict(awq, intermediate_size=4096 + 64)
    (path / "config.json").write_text(json.dumps(odd))
    code, answer, _ = bench.fit(path, "--tp", "8", "--kv-cache-gib", "1")
    bench.check("groups do not divide", (code, answer["findings"][0]["id"]), (1, "tp-size-does-not-divide-quantisation-groups"))


def hostile(bench, folder):
    empty = pathlib.Path(folder) / "empty"
    empty.mkdir()
    bench.check("an empty directory", bench.fit(empty)[0], 2)
    bench.check("no directory", bench.fit(empty / "none")[0], 2)
    for name, text in (("cut", "{"), ("list", "[]"), ("huge", '{"num_hidden_layers": 1e15, "num_attention_heads": 8}'),
                       ("negative", '{"num_hidden_layers": 2, "num_attention_heads": -8}')):
        (empty / "config.json").write_text(text)
        bench.check(f"a {name} configuration", bench.fit(empty)[0], 2)
    path = model(folder, "refused", CONFIG, llama(CONFIG))
    (path / "model-00001-of-00001.safetensors").write_bytes(struct.pack("<Q", 2**63) + b"{}")
    _, how, _ = weights(bench, path)
    bench.check("a refused file", "no complete set of readable safetensors" in how, True)


def verdicts(bench, folder):
    path = pathlib.Path(folder) / "plain" / "config.json"
    for wanted, flags in (((0, "fits"), ("--gpu", "L4")), ((1, "does-not-fit"), ("--gpu-memory", "1GiB")),
                          ((1, "does-not-fit"), ("--gpu", "L4", "--tp", "3")), ((3, "unknown"), ())):
        code, answer, _ = bench.fit(path, *flags, "--sweep")
        bench.check(f"verdict with {flags}", (code, answer["verdict"]), wanted)
    for flags in (("--gpu", "abacus"), ("--gpu-memory", "much"), ("--tp", "0"), ("--gpu-memory-utilization", "2"), ("--model", "nobody/it")):
        bench.check(f"usage error of {flags}", bench.fit(path, *flags)[0], 2)
    for form in ("text", "markdown"):
        run = subprocess.run([bench.binary, "model", "fit", str(path), "--gpu", "L4", "-o", form], capture_output=True, timeout=60, check=False)
        bench.check(f"{form} names the flags", b"--max-model-len 8192" in run.stdout, True)


def large(bench, folder):
    config = dict(CONFIG, num_hidden_layers=60, num_experts=128, moe_intermediate_size=512, num_experts_per_tok=8)
    tensors = llama(config)
    for n in range(60):
        for e in range(128):
            for name, shape in (("gate_proj", [512, 1024]), ("up_proj", [512, 1024]), ("down_proj", [1024, 512])):
                tensors[f"model.layers.{n}.mlp.experts.{e}.{name}.weight"] = ("BF16", shape)
    path = model(folder, "large", config, tensors, shards=59)
    started = time.monotonic()
    code, answer, _ = bench.fit(path, "--gpu", "H100-80G", "--tp", "4", "--sweep")
    took = time.monotonic() - started
    bench.check("a large model", (code, answer["verdict"]), (0, "fits"))
    if took > 5:
        bench.check("seconds over 23,000 tensors", took, "under 5")
    print(f"{len(tensors)} tensors in 59 files: {took:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    bench = Bench(parser.parse_args().binary)
    with tempfile.TemporaryDirectory() as folder:
        for part in (headers_agree_with_configuration, other_names, quantised, verdicts, hostile, large):
            part(bench, folder)
    print("FAIL" if bench.failed else "ok")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
