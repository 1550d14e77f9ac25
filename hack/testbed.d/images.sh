# The images: a Debian to build on, those of the project, and a few to test with. Nothing is pulled.
# shellcheck shell=bash disable=SC2154 # home, parts, project and provider come from hack/testbed

images="pause busybox debian wfe-runner wfe-operator wfe-ci postgres"
suite=bookworm
archives=$home/images/$provider

# What an image is made of, in one number: another number is another image.
inputs() {
    case $1 in
        pause) cat "$parts/images/pause.go" ;;
        busybox) cat "$(type -P busybox)" ;;
        debian) declare -f debian; echo "$suite" ;;
        postgres) inputs debian; cat "$parts"/images/[Pp]ostgres* ;;
        wfe-runner) inputs debian; cat "$project"/{Dockerfile,constraints.txt} ;;
        wfe-ci) inputs wfe-runner; cat "$project/pyproject.toml" ;;
        wfe-operator)
            inputs debian
            cat "$project"/{Dockerfile,.dockerignore,constraints.txt,pyproject.toml,README.md,LICENSE}
            find "$project/operator" -type f -not -path '*/__pycache__/*' -print0 | sort -z | xargs -0 sha256sum ;;
    esac
}

build_images() {
    local name number start
    mkdir -p "$archives"
    for name in $images; do
        number=$(inputs "$name" | sha256sum | head -c 16)
        is_built "$name" "$number" && continue
        say "building the image $name"
        start=$SECONDS
        rm -f "$archives/$name.number"
        fetched "image-$name" in_scratch "${name#wfe-}"
        echo "$number" >"$archives/$name.number"
        say "built the image $name in $((SECONDS - start)) s"
    done
}

is_built() { [ "$(cat "$archives/$1.number" 2>/dev/null)" = "$2" ] && [ -s "$archives/$1.tar" ]; }

# save_images DIRECTORY
save_images() {
    local name
    mkdir -p "$1"
    images="debian wfe-runner wfe-operator" build_images
    for name in operator runner; do
        gzip -c "$archives/wfe-$name.tar" >"$1/wfe-$name-image.tar.gz"
    done
}

# Load those that the cluster does not have yet.
load_images() {
    local name
    mkdir -p "$archives/loaded"
    for name in $images; do
        cmp -s "$archives/$name.number" "$archives/loaded/$name" && continue
        import "$archives/$name.tar"
        cp "$archives/$name.number" "$archives/loaded/$name"
        say "loaded localhost/$name:testbed"
    done
}

# load FILE|IMAGE
load() {
    local archive=$1
    if ! [ -f "$archive" ]; then
        archive=$archives/given.tar
        archived "$1" "$archive" || die "$1 is neither a file nor an image of the test bed's storage"
    fi
    import "$archive"
    rm -f "$archives/given.tar"
    say "loaded $1"
}

# These three are other ones with kind.
build_image() { buildah_here bud --layers "$@"; }

archived() {   # archived IMAGE FILE
    rm -f "$2"
    buildah_here push --quiet "$1" "docker-archive:$2:$1"
}


debian() {
    local mirror
    # Where this machine gets its packages, or else where debootstrap does.
    # shellcheck disable=SC2016 # apt-get's own variable
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | head -n 1)
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv "$suite" root ${mirror:+"$mirror"}
    rm -rf root/var/cache/apt/* root/var/lib/apt/lists/* root/var/log/* root/usr/share/{doc,man,locale,info}/*
    printf 'path-exclude=/usr/share/%s/*\n' doc man locale info >root/etc/dpkg/dpkg.cfg.d/slim
    printf 'FROM scratch\nCOPY root /\nCMD ["/bin/bash"]\n' >Dockerfile
    made debian .
}

buildah_here() {   # chroot isolation needs no cgroups; the storage goes with the cache
    BUILDAH_ISOLATION=chroot STORAGE_DRIVER=overlay buildah --root "$home/storage" --runroot "$home/storage/run" "$@"
}

# in_scratch NAME: run the function of that name in an empty directory.
in_scratch() {
    local scratch
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064 # it is local, and this runs in a shell of its own
    trap "rm -rf '$scratch'" EXIT
    cd "$scratch" || exit
    "$1"
}

# made IMAGE [ARGUMENTS...]: build, and write the archive.
made() {
    local image=localhost/$1:testbed
    shift
    build_image --tag "$image" "$@"
    local name=${image#*/}
    archived "$image" "$archives/${name%:*}.tar"
}

pause() {
    CGO_ENABLED=0 go build -ldflags '-s -w' -o pause "$parts/images/pause.go"
    printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n' >Dockerfile
    made pause .
}

busybox() {
    local applet program
    program=$(type -P busybox)
    mkdir -p root/bin
    install -d -m 1777 root/tmp
    cp "$program" root/bin/busybox
    for applet in $("$program" --list); do
        [ "$applet" = busybox ] || ln -s busybox "root/bin/$applet"
    done
    printf 'FROM scratch\nCOPY root /\nCMD ["/bin/sh"]\n' >Dockerfile
    made busybox .
}

postgres() { made postgres --file "$parts/images/Postgres" --build-arg DEBIAN=localhost/debian:testbed "$parts/images"; }
runner() { project_image runner; }
operator() { project_image operator; }
ci() { project_image ci; }

project_image() {
    package_index
    made "wfe-$1" --target "$1" --build-arg PYTHON=localhost/debian:testbed --build-arg DEBIAN=localhost/debian:testbed \
        --secret id=pip,src="$PWD/pip.conf" --secret id=certificates,src="$PWD/pip.crt" "$project"
}

# What pip knows here of package indexes goes into the build, and into no layer.
package_index() {
    local python settings certificates
    python=$("$project/hack/python")
    settings=$("$python" -m pip config list 2>/dev/null | tr -d "'" | sed -nE 's/^(:env:|global)\.//p')
    certificates=$(sed -n 's/^cert=//p' <<<"$settings" | head -n 1)
    cat "${certificates:-/etc/ssl/certs/ca-certificates.crt}" >pip.crt
    {
        echo '[global]'
        echo 'cert = /etc/pip.crt'
        grep -E '^(index-url|extra-index-url|trusted-host|proxy|default-timeout)=' <<<"$settings" || true
    } >pip.conf
}
