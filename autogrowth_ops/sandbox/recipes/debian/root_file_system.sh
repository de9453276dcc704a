#!/bin/sh
# The root file system of debian:<suite>-slim: root_file_system.sh <suite> <target.tar> <line of sources.list>...
# Like the official image: no manuals, no translations, no fsync, and no service starts while packages are installed.
set -eu
exec mmdebstrap --quiet --variant=minbase \
  --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr \
  --aptopt='Acquire::Languages "none"' \
  --aptopt='Apt::AutoRemove::SuggestsImportant "false"' \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --customize-hook='printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
  "$@"
