#!/usr/bin/env bash
# Pushes what a release writes into Git, by the release workflow: `push.sh action`, from the checkout of the tag, or
# `push.sh mirror`, with a checkout of the repository for pre-commit in the folder `mirror`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=$GITHUB_REF_NAME
export GIT_AUTHOR_NAME='github-actions[bot]' GIT_AUTHOR_EMAIL='41898282+github-actions[bot]@users.noreply.github.com'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

case ${1:-} in
action)
    hashes=$(python3 packaging/release.py requirements dist)
    printf '%s\n' "$hashes" > action/requirements.txt
    git commit --quiet --message "Pin the wheels of $tag, so that the action installs nothing else" -- action/requirements.txt
    major=${tag%%.*}
    git tag "action-$tag"
    git tag --force "$major"
    # By the environment, so that no process shows it in its arguments.
    if [ -n "${PUSH_TOKEN:-}" ]; then
        export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
        GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$PUSH_TOKEN" | base64 --wrap 0)"
        export GIT_CONFIG_VALUE_0
    fi
    git push origin "refs/tags/action-$tag" "+refs/tags/$major"
    ;;
mirror)
    # What a version no longer has goes; the licence texts come along.
    find mirror -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
    cp -R packaging/pre-commit/. LICENSE-* mirror/
    cd mirror
    git add --all
    git commit --quiet --allow-empty --message "Run malloclint $tag"
    git tag "$tag"
    git push origin HEAD "refs/tags/$tag"
    ;;
*)
    echo 'usage: push.sh action|mirror' >&2
    exit 2
    ;;
esac
