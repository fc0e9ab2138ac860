#!/bin/sh
# Epilog of slurm.conf, on every node of a job that ends: keeps the facts of the logs that the job left on this node,
# a few KB per rank. Together with epilog-controller.sh only those of failed jobs stay.
#
# Set below or in /etc/rankdx/epilog.conf (a shell file): LOGS, where jobs write on a node (%j: job id, %n: node), as in
# NCCL_DEBUG_FILE=/var/tmp/nccl-$SLURM_JOB_ID/%h.%p.log; KEEP, a folder that all nodes and the controller see.
# An epilog that fails drains the node, so this one never does.
LOGS=/var/tmp/nccl-%j
KEEP=/var/spool/rankdx
LIMIT_S=120
conf=${RANKDX_EPILOG_CONF:-/etc/rankdx/epilog.conf}
# shellcheck source=/dev/null
[ ! -r "$conf" ] || . "$conf"
node=${SLURMD_NODENAME:-$(hostname -s)}
logs=$(printf %s "$LOGS" | sed "s/%j/$SLURM_JOB_ID/g; s/%n/$node/g")
[ -e "$logs" ] || exit 0
umask 077
mkdir -p "$KEEP/$SLURM_JOB_ID" || exit 0
timeout "$LIMIT_S" nice rankdx scan "$logs" -o "$KEEP/$SLURM_JOB_ID/$node.rdxf" 2>"$KEEP/$SLURM_JOB_ID/$node.txt"
[ -s "$KEEP/$SLURM_JOB_ID/$node.txt" ] || rm -f "$KEEP/$SLURM_JOB_ID/$node.txt"
# The controller may have said already that the job ended well.
[ ! -e "$KEEP/$SLURM_JOB_ID/ended-well" ] || rm -f "$KEEP/$SLURM_JOB_ID/$node".*
exit 0
