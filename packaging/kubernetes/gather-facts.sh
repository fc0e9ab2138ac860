#!/bin/sh
# gather-facts.sh APP [NAMESPACE]: the facts of all pods of scan-job.yaml or scan-daemonset.yaml, merged, on standard output.
# Needs kubectl and rankdx. Names the pods that gave none, and then ends with 2.
set -eu
app=${1:?usage: gather-facts.sh APP [NAMESPACE]}
set -- ${2:+-n "$2"}
facts=$(mktemp -d)
trap 'rm -rf "$facts"' EXIT
lacking=0
kubectl get pods "$@" -l "app=$app" -o name >"$facts/pods"
while read -r pod; do
  name=${pod#pod/}
  if ! kubectl logs "$@" "$pod" --tail=-1 </dev/null | base64 -d >"$facts/$name.rdxf" || [ ! -s "$facts/$name.rdxf" ]; then
    echo "gather-facts: $name gave no facts (kubectl logs $name)" >&2
    rm -f "$facts/$name.rdxf"
    lacking=2
  fi
done <"$facts/pods"
ls "$facts"/*.rdxf >/dev/null 2>&1 || { echo "gather-facts: no facts at all from pods of app=$app" >&2; exit 2; }
rankdx merge "$facts"/*.rdxf -o -
exit "$lacking"
