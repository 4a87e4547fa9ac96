#!/usr/bin/env bash
# Make the bucket that holds an environment's state, once. A bucket that is there stays as it is.
#
#   bootstrap.sh dev|staging|production
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" "$@"

bucket=$TF_VAR_state_bucket
if aws s3api head-bucket --bucket "$bucket" 2>/dev/null; then
    echo "the state of $environment is in $bucket"
    exit 0
fi
aws s3api create-bucket --bucket "$bucket" \
    --create-bucket-configuration "LocationConstraint=$AWS_REGION" >/dev/null
# Versions are the way back from a state that was lost or damaged.
aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
aws s3api put-bucket-encryption --bucket "$bucket" --server-side-encryption-configuration \
    '{"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": true}]}'
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
echo "made $bucket for the state of $environment"
