#!/bin/sh
# bpftrace of Debian 13, which scripts/setup.mjs unpacks into .cache/trixie, as if it were installed here: for tests
# with a version newer than the distribution's own. `exec` keeps it one process, so that signals reach it.
root="$(dirname "$(readlink -f "$0")")/../.cache/trixie"
# shellcheck disable=SC2016
exec unshare --mount sh -c '
  mount --rbind /proc "$0/proc" && mount --rbind /sys "$0/sys" && exec chroot "$0" bpftrace "$@"
' "$root" "$@"
