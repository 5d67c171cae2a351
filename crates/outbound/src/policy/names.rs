//! Names that stand for something special, whatever they resolve to.

use crate::address::Class;

/// Names of this machine.
const LOOPBACK_NAMES: [&str; 4] =
    ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];

/// Names of what hands out credentials to whoever asks: metadata services and a cluster's own API.
const METADATA_NAMES: [&str; 9] = [
    "instance-data.ec2.internal",
    "metadata.aws.internal",
    "metadata.azure.com",
    "metadata.gke.internal",
    "metadata.google.internal",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// The class that a name has by itself, whatever it resolves to.
pub(super) fn class_of(name: &str) -> Class {
    if LOOPBACK_NAMES.contains(&name) || name.ends_with(".localhost") {
        Class::Loopback
    } else if METADATA_NAMES.contains(&name) {
        Class::Metadata
    } else {
        Class::Public
    }
}
