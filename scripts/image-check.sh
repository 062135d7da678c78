#!/usr/bin/env bash
# npm run -s image:check: builds the Dockerfile's CPU image with buildah (no Docker engine) and starts it as compose.yaml
# does: another user, a read-only root, no capabilities. It must become healthy, paint, and stop with 0.
# Where the registry cannot be reached, a Debian root with this checkout's Node stands for the base image.
# Needs root, buildah and debootstrap; a few minutes and 3 GB in out/image.
set -euo pipefail
cd "$(dirname "$0")/.."

most_mb=700
work=$PWD/out/image
base=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
stand_in=localhost/darkroom-check-base
image=localhost/darkroom-check

fail() { echo "image:check: $1" >&2; exit 1; }
for command in buildah debootstrap unshare setpriv; do
  command -v "$command" >/dev/null || fail "$command is missing (apt-get install buildah debootstrap util-linux)."
done
[ "$(id -u)" = 0 ] || fail 'it makes roots and mounts: run it as root.'
mkdir -p "$work"
export BUILDAH_ISOLATION=chroot
builder() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

make_stand_in() {
  local root=$work/base node npm container
  if [ ! -e "$work/base.whole" ]; then
    rm -rf "$root"
    debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log" 2>&1 || fail "debootstrap failed: see $work/debootstrap.log."
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    touch "$work/base.whole"
  fi
  node=node_modules/node/bin/node
  [ -x "$node" ] || fail 'this checkout has no Node of its own: npm install.'
  npm=$(npm root -g)/npm
  mkdir -p "$root/usr/local/bin" "$root/usr/local/lib/node_modules" "$root/usr/local/share"
  cp "$node" "$root/usr/local/bin/node"
  cp -a "$npm" "$root/usr/local/lib/node_modules/"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  chroot "$root" id node >/dev/null 2>&1 || chroot "$root" useradd --uid 1000 --create-home node
  container=$(builder from scratch)
  # Behind a proxy that signs for itself npm needs to know it.
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    cp "$NODE_EXTRA_CA_CERTS" "$root/usr/local/share/build-ca.crt"
    builder config --env NODE_EXTRA_CA_CERTS=/usr/local/share/build-ca.crt "$container"
  fi
  builder add --quiet "$container" "$root" / >/dev/null
  builder commit --quiet --rm "$container" "$stand_in" >/dev/null
}

if timeout 120 buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs pull --quiet "$base" >/dev/null 2>&1; then
  from=$base
else
  echo "$base cannot be fetched here: a Debian root stands for it."
  make_stand_in
  from=$stand_in
fi
echo "building on $from …"
builder bud --quiet --format docker --build-arg "NODE_IMAGE=$from" --target cpu --tag "$image" . >"$work/build.log" 2>&1 \
  || { tail -20 "$work/build.log" >&2; fail "the image was not built: see $work/build.log."; }

container=$(builder from "$image")
root=$(builder mount "$container")
trap 'builder rm "$container" >/dev/null 2>&1 || true' EXIT
size=$(du -sm "$root" | cut -f1)
echo "the image takes $size MB ($(du -sm "$root/app" | cut -f1) of it /app)"
[ "$size" -lt "$most_mb" ] || fail "it takes $size MB, $most_mb are allowed."
runtimes=$(cd "$root/app/node_modules/onnxruntime-node/bin" && echo */*/*)
[ "$(wc -w <<<"$runtimes")" = 1 ] || fail "it has ONNX Runtime's files of several platforms: $runtimes."
config=$(builder inspect --format '{{.Docker.Config.User}} {{.Docker.Config.Healthcheck.Test}}' "$image")
[[ $config == node\ *healthcheck* ]] || fail "user or health check are not as they should be: $config."

# Everything below runs in namespaces of its own and ends with them.
cat >"$work/inside.sh" <<'INSIDE'
set -euo pipefail
root=$1
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
mount -t tmpfs -o size=1g,mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=700,uid=1000,gid=1000 tmpfs "$root/data"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
ip link set lo up 2>/dev/null || true
become() {
  exec env -i HOME=/home/node PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production DATA_DIR=/data MODELS_DIR=/models \
    METRICS_PORT=9464 ENGINE_ISOLATION=process \
    /usr/sbin/chroot --userspec=1000:1000 "$root" setpriv --no-new-privs --bounding-set=-all --inh-caps=-all \
    sh -c "cd /app && $1"
}
in_image() { (become "$1"); }
become 'exec node scripts/run.cjs src/main.ts' &
program=$!
healthy=0
for _ in $(seq 60); do
  if in_image 'node scripts/healthcheck.cjs' >/dev/null 2>&1; then healthy=1; break; fi
  sleep 1
done
[ "$healthy" = 1 ] || { in_image 'node scripts/healthcheck.cjs' || true; echo 'it does not become healthy'; exit 1; }
in_image 'node scripts/healthcheck.cjs'
if in_image 'touch /app/x' 2>/dev/null; then echo 'its root can be written'; exit 1; fi
in_image 'grep -q "^CapEff:.0000000000000000$" /proc/self/status' || { echo 'it has capabilities'; exit 1; }
in_image 'node scripts/run.cjs src/cli/imagine.ts "a red heart on a white background" --seed 7 --out /tmp/heart.png'
[ -s "$root/tmp/heart.png" ] || { echo 'nothing was painted'; exit 1; }
kill -TERM "$program"
wait "$program"
INSIDE
unshare --mount --pid --fork --net --kill-child bash "$work/inside.sh" "$root" \
  || fail 'it did not start, paint and stop as it should: see the lines above.'
echo 'image:check: built, healthy, painted, stopped'
