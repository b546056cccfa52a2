#!/bin/sh
# kubectl 1.18 as far as istioctl's own question about its version goes.
case "$*" in
  *version*json*)
    cat <<'JSON'
{
  "clientVersion": {
    "major": "1",
    "minor": "18",
    "gitVersion": "v1.18.20",
    "gitCommit": "1f3e19b7beb1cc0110255668c4238ed63dadb7ad",
    "gitTreeState": "clean",
    "buildDate": "2021-06-16T12:58:51Z",
    "goVersion": "go1.13.15",
    "compiler": "gc",
    "platform": "linux/amd64"
  }
}
JSON
    ;;
  *version*--short*)
    echo "Client Version: v1.18.20"
    ;;
  *version*)
    echo 'Client Version: version.Info{Major:"1", Minor:"18", GitVersion:"v1.18.20", GitTreeState:"clean"}'
    ;;
  *)
    echo "this stand-in kubectl answers nothing but 'version'; use your own with the sandbox's kubeconfig" >&2
    exit 1
    ;;
esac
