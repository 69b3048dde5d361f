#!/usr/bin/env bash
# Licences, sources and duplicates of what the project stands on, and known vulnerabilities where their list can be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo deny --version >/dev/null 2>&1; then
  timeout 1500 cargo install --debug --quiet --locked cargo-deny || {
    echo "no cargo-deny can be installed here; tests/dependencies.rs looks at licences, sources and duplicates"
    exit 0
  }
fi
cargo deny check bans licenses sources
if timeout 120 cargo deny fetch db >/dev/null 2>&1; then
  cargo deny check advisories
else
  echo "the list of known vulnerabilities cannot be fetched here"
fi
