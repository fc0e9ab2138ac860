#!/bin/sh
# EpilogSlurmctld of slurm.conf: knows how a job ended. Facts of jobs that ended well are removed; those of the others stay
# in KEEP/JOBID for `rankdx diagnose KEEP/JOBID/*.rdxf`. Node epilogs may come before or after this.
KEEP=/var/spool/rankdx
conf=${RANKDX_EPILOG_CONF:-/etc/rankdx/epilog.conf}
# shellcheck source=/dev/null
[ ! -r "$conf" ] || . "$conf"
job=$KEEP/$SLURM_JOB_ID
umask 077
mkdir -p "$job" || exit 0
# Marks that no node epilog looks for any more.
find "$KEEP" -mindepth 2 -maxdepth 2 -name ended-well -mmin +120 | while read -r old; do
  rm -f "$old"
  rmdir "${old%/*}"
done
if [ "${SLURM_JOB_EXIT_CODE:-0}" = 0 ] && [ "${SLURM_JOB_DERIVED_EC:-0}" = 0 ]; then
  : >"$job/ended-well"
  rm -f "$job"/*.rdxf "$job"/*.txt
else
  printf 'exit code %s, derived %s\n' "${SLURM_JOB_EXIT_CODE2:-?}" "${SLURM_JOB_DERIVED_EC:-?}" >"$job/ended-badly"
fi
exit 0
