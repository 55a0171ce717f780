#!/bin/sh
set -e
chown 1000:1000 /srv
exec setpriv --reuid=1000 --regid=1000 --clear-groups "$@"
