#!/bin/sh
set -e
echo "waiting for nothing"
exec "$@"
