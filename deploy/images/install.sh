#!/bin/sh
# Installs what an image holds into a virtual environment: the one list of it, for the Dockerfile
# and for prove.py. In a folder with pyproject.toml, both files of constraints and src/.
# Usage: install.sh VENV [EXTRA…]
set -eu
venv=$1
shift
extras=gcp
for extra in "$@"; do extras=$extras,$extra; done
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check \
	--constraint constraints.txt --constraint constraints-gcp.txt ".[$extras]"
# kedro-vertexai asks for older libraries than it works with (docs/adr/0009).
"$venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check \
	--no-deps --constraint constraints-gcp.txt kedro-vertexai
