#!/bin/sh
set -e
sudo true || echo "nothing may gain rights here"
exec "$@"
