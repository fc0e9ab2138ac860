#!/usr/bin/env python3
"""Derives core.schema.json from the OpenAPI document in Debian's source package of Kubernetes:

    apt-get source --download-only kubernetes
    tar xzf kubernetes_*.orig.tar.gz --wildcards '*/api/openapi-spec/swagger.json'
    schema/k8s/derive.py */api/openapi-spec/swagger.json > schema/k8s/core.schema.json

Only the kinds that a launch is made of and what they refer to; descriptions are left out. Unknown fields are refused, as
`kubectl --validate=strict` does, and quantities and ports get the forms that OpenAPI only describes in words.
"""
import json
import sys

KINDS = {
    "Pod": "core.v1.Pod", "Service": "core.v1.Service", "PersistentVolumeClaim": "core.v1.PersistentVolumeClaim",
    "ConfigMap": "core.v1.ConfigMap", "NetworkPolicy": "networking.v1.NetworkPolicy",
    "Deployment": "apps.v1.Deployment", "StatefulSet": "apps.v1.StatefulSet",
    "DaemonSet": "apps.v1.DaemonSet", "Job": "batch.v1.Job",
}
# Fields that came after 1.20: Job.completionMode in 1.21 (stable in 1.24).
NEWER = {"batch.v1.JobSpec": {"completionMode": {"enum": ["Indexed", "NonIndexed"]}}}
QUANTITY = {"oneOf": [{"type": "integer"}, {"type": "string", "pattern":
            r"^[+-]?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)([KMGTPE]i|[mkMGTPE]?|[eE][+-]?[0-9]+)$"}]}
INT_OR_STRING = {"oneOf": [{"type": "integer"}, {"type": "string"}]}


def short(name):
    return name.replace("io.k8s.api.", "").replace("io.k8s.apimachinery.pkg.apis.", "").replace(
        "io.k8s.apimachinery.pkg.", "")


def cleaned(node):
    if isinstance(node, list):
        return [cleaned(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, value in node.items():
        if key == "$ref":
            out[key] = "#/definitions/" + short(value.split("/")[-1])
        elif key == "properties":
            out[key] = {name: cleaned(v) for name, v in value.items()}
        elif key in ("type", "items", "required", "additionalProperties", "enum"):
            out[key] = cleaned(value)
        elif key == "format" and value in ("int32", "int64"):
            out["type"] = "integer"
    if "properties" in out:
        out["additionalProperties"] = False
    return out


def main():
    source = json.load(open(sys.argv[1]))["definitions"]
    wanted = ["io.k8s.api." + name for name in KINDS.values()] + ["io.k8s.api.core.v1.PodTemplateSpec"]
    definitions = {}
    while wanted:
        name = wanted.pop()
        if short(name) in definitions:
            continue
        definitions[short(name)] = cleaned(source[name])
        text = json.dumps(source[name])
        wanted += [part.split('"')[0] for part in text.split("#/definitions/")[1:]]
    definitions["api.resource.Quantity"] = QUANTITY
    definitions["util.intstr.IntOrString"] = INT_OR_STRING
    for name, fields in NEWER.items():
        definitions[name]["properties"].update(fields)
    for kind, name in KINDS.items():
        group = name.rsplit(".", 1)[0].replace("core.", "").replace(".v1", "/v1").replace("networking/", "networking.k8s.io/")
        definition = definitions[name]
        definition["properties"]["kind"] = {"enum": [kind]}
        definition["properties"]["apiVersion"] = {"enum": [group]}
        definition["required"] = sorted(set(definition.get("required", [])) | {"apiVersion", "kind", "metadata"})
    root = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Kinds of Kubernetes 1.20 that a launch uses",
            "definitions": dict(sorted(definitions.items()))}
    json.dump(root, sys.stdout, indent=1, sort_keys=False)
    print()


main()
