/** What runs in a sandbox that has the volume: shell and the tools of every Debian. Words come as arguments, never within. */

/** `$1` the root, then folders; says those that it made. */
export const initScript = `set -eu
cd "$1"; shift
for each; do [ -d "$each" ] || { mkdir -p "$each"; echo "$each"; }; done`;

/** `$1` the root, `$2` a folder in it; a line for each with tabs between: kind, bytes, time, name in the escapes of printf. */
export const listScript = `set -eu
cd "$1"
at=$(readlink -f -- "./$2") || exit 3
case "$at/" in "$(readlink -f .)"/*) ;; *) exit 3 ;; esac
[ -d "$at" ] || exit 3
cd "$at"
find . -mindepth 1 -maxdepth 1 -printf '%y\\t%s\\t%TY-%Tm-%TdT%TH:%TM:%.2TSZ\\t%f\\0' | LC_ALL=C sort -z -t"$(printf '\\t')" -k4`;

/** Of every file below, in one order. */
const listHashes = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum";

/**
 * `$1` the root. A copy first, as sandboxes go on writing; then the hashes of the copy. Says the archive's bytes, its hash and the
 * number of files.
 */
export const backupScript = `set -eu
umask 077
rm -rf /tmp/backup && mkdir -p /tmp/backup
cp -a "$1" /tmp/backup/data
cd /tmp/backup/data
[ -z "$(find . -name '*
*' -print -quit)" ] || { echo "a name in the volume has a line break"; exit 4; }
find . ! -type f ! -type d ! -type l -delete
${listHashes} >../SHA256SUMS
cd ..
tar -czf /tmp/backup.tgz SHA256SUMS data
stat -c %s /tmp/backup.tgz
sha256sum /tmp/backup.tgz | cut -d' ' -f1
find data -type f | wc -l`;

export const archiveInside = "/tmp/backup.tgz";

/**
 * `$1` the root, `$2` the hash of what was sent. Unpacked beside the volume and held to its own list; then says, a line each,
 * the number of files, the number of equal ones, and those in whose place another is. 3 where it is not whole, 4 where it is no
 * archive of a volume, 5 where a file is not what the list says, 7 where a
 * folder of the volume is a link by now, which would lead into another.
 */
export const checkScript = `set -eu
[ "$(sha256sum /tmp/backup.tgz | cut -d' ' -f1)" = "$2" ] || { echo "it changed on its way"; exit 3; }
rm -rf /tmp/restore && mkdir -p /tmp/restore
tar -xzf /tmp/backup.tgz -C /tmp/restore --numeric-owner 2>/tmp/said || { tail -n 1 /tmp/said; exit 3; }
cd /tmp/restore
[ -f SHA256SUMS ] && [ -d data ] && [ ! -L SHA256SUMS ] && [ ! -L data ] || { echo "it has no SHA256SUMS and data"; exit 4; }
[ "$(ls -A | LC_ALL=C sort | tr '\n' ' ')" = "SHA256SUMS data " ] || { echo "it has more than SHA256SUMS and data"; exit 4; }
cd data
[ -z "$(find . -name '*
*' -print -quit)" ] || { echo "a name has a line break"; exit 4; }
${listHashes} >/tmp/again
cmp -s /tmp/again ../SHA256SUMS || { diff /tmp/again ../SHA256SUMS | sed -n 's/^[<>] [0-9a-f]* [ *]//p' | head -n 1; exit 5; }
find . -type f | LC_ALL=C sort >/tmp/have
root=$(readlink -f "$1")
find . -mindepth 1 -type d | while IFS= read -r each; do
  [ "$(readlink -m "$1/$each")" = "$(readlink -m "$root/")/\${each#./}" ] || { echo "$each"; break; }
done >/tmp/through
[ ! -s /tmp/through ] || { cat /tmp/through; exit 7; }
same=0; : >/tmp/others
while IFS= read -r file; do
  if [ ! -e "$1/$file" ] && [ ! -L "$1/$file" ]; then continue; fi
  if [ -f "$1/$file" ] && [ ! -L "$1/$file" ] && cmp -s "$file" "$1/$file"; then same=$((same + 1)); else echo "$file" >>/tmp/others; fi
done </tmp/have
wc -l </tmp/have
echo $same
head -n 20 /tmp/others`;

/** `$1` the root. Each file is put in its place whole, so that one that was begun is never half there. */
export const writeScript = `set -eu
cd /tmp/restore/data
find "$1" -xdev -type f -name '.parhelia-restore-*' -delete
find . -type d -exec sh -c 'for each; do mkdir -p "$0/$each"; chown --reference="$each" "$0/$each" || :; chmod --reference="$each" "$0/$each"; done' "$1" {} +
while IFS= read -r file; do
  if [ -f "$1/$file" ] && [ ! -L "$1/$file" ] && cmp -s "$file" "$1/$file"; then continue; fi
  [ ! -d "$1/$file" ] || { echo "$file is a folder there"; exit 6; }
  new=$(mktemp "$1/$(dirname "$file")/.parhelia-restore-XXXXXXXX")
  cp -p "$file" "$new"
  mv -fT "$new" "$1/$file"
done </tmp/have
find . -type l -exec sh -c 'for each; do [ -e "$0/$each" ] || [ -L "$0/$each" ] || cp -P "$each" "$0/$each"; done' "$1" {} +
sync`;
