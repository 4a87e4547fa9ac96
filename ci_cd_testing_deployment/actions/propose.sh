#!/usr/bin/env bash
# Propose what was changed in this working tree as a pull request; nothing where nothing was changed.
#
#   propose.sh BRANCH TITLE        needs GH_TOKEN
set -euo pipefail

branch=${1:?usage: propose.sh BRANCH TITLE} title=${2:?usage: propose.sh BRANCH TITLE}
if git diff --quiet; then
    echo "nothing to propose"
    exit 0
fi
git switch --create "$branch"
git -c user.name=fraudstream -c user.email=fraudstream@users.noreply.github.com commit --all --message "$title"
git -c "credential.helper=!gh auth git-credential" push --force origin "$branch"
[ -n "$(gh pr list --head "$branch" --json number --jq '.[].number')" ] ||
    gh pr create --head "$branch" --title "$title" --body "Made by the workflow \`$GITHUB_WORKFLOW\`."
