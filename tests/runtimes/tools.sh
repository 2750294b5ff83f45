# shellcheck shell=bash
# Sourced by tests/runtimes/run and local/lambda, in the repository's root: installs what they need under target/tools
# when it is missing, each program in the version it was tried with.

source tests/packages.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}
[[ $CARGO_TARGET_DIR == /* ]] || CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
tools=$CARGO_TARGET_DIR/tools

# moto stands in for KMS, ministack for the rest; with the translator it deploys SAM templates.
emulators=('moto[server]==5.2.5' ministack==1.5.33 aws-sam-translator==1.115.0)

# An environment in a folder with these packages, or with those of a file. The stamp is written last, so that one cut short
# is made again.
environment() {
  local folder=$tools/$1 stamp word
  shift
  stamp=$*
  for word; do
    if [[ -f $word ]]; then stamp+=" $(sha256sum <"$word")"; fi
  done
  if [[ ! -e $folder/installed || $(<"$folder/installed") != "$stamp" ]]; then
    echo "Installing $* ..." >&2
    "${PYTHON:-python3}" -m venv "$folder"
    "$folder/bin/pip" install --quiet "$@" >&2
    echo "$stamp" >"$folder/installed"
  fi
}

need_emulators() {
  environment emulators-venv "${emulators[@]}"
  # shellcheck disable=SC2034  # for who sources this
  emulators_python=$tools/emulators-venv/bin/python
}

# sam, aws and cargo lambda: those of infra/deploy, which finds them here too.
need_deploy_tools() {
  environment deploy-venv --no-deps --require-hashes -r infra/tools.txt
  PATH=$tools/deploy-venv/bin:$PATH
}

# DynamoDB Local with what it needs, by Maven. Its licence lets anybody develop and test with it and nobody pass it on:
# it is fetched, and never committed.
need_dynamodb_local() {
  local version=3.1.0 folder=$tools/dynamodb-local
  need_command java openjdk-17-jre-headless && need_command mvn maven || return
  if [[ ! -e $folder/installed || $(<"$folder/installed") != "$version" ]]; then
    echo "Fetching DynamoDB Local $version ..." >&2
    mkdir -p "$folder"
    cat >"$folder/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>dynamodb-local</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>software.amazon.dynamodb</groupId><artifactId>DynamoDBLocal</artifactId><version>$version</version>
    </dependency>
  </dependencies>
</project>
XML
    mvn -q -B -f "$folder/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/lib" >&2
    echo "$version" >"$folder/installed"
  fi
}
