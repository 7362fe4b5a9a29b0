"""Flows as one file: the manifest, packing, reading, and a folder of installed bundles."""

from .models import (
    WORKFLOW_BUNDLE_FORMAT_VERSION_V1,
    BadBundleManifest,
    NoManifest,
    UnsafeBundlePath,
    WorkflowBundleEntrypoint,
    WorkflowBundleError,
    WorkflowBundleManifest,
    WorkflowBundleRegistryError,
    is_flow_id,
    workflow_bundle_manifest_from_dict,
    workflow_bundle_manifest_to_dict,
)
from .packer import PackedWorkflowBundle, pack_workflow_bundle
from .reader import (
    WorkflowBundle,
    inspect_workflow_bundle,
    open_workflow_bundle,
    unpack_workflow_bundle,
    verify_workflow_bundle,
)
from .registry import (
    InstalledWorkflowBundle,
    UnreadableBundle,
    WorkflowBundleRegistry,
    WorkflowEntrypointRef,
    default_workflow_bundles_dir,
    sanitize_bundle_id,
    sanitize_bundle_version,
)

__all__ = [
    "WORKFLOW_BUNDLE_FORMAT_VERSION_V1",
    "BadBundleManifest",
    "InstalledWorkflowBundle",
    "NoManifest",
    "PackedWorkflowBundle",
    "UnreadableBundle",
    "UnsafeBundlePath",
    "WorkflowBundle",
    "WorkflowBundleEntrypoint",
    "WorkflowBundleError",
    "WorkflowBundleManifest",
    "WorkflowBundleRegistry",
    "WorkflowBundleRegistryError",
    "WorkflowEntrypointRef",
    "default_workflow_bundles_dir",
    "inspect_workflow_bundle",
    "is_flow_id",
    "open_workflow_bundle",
    "pack_workflow_bundle",
    "sanitize_bundle_id",
    "sanitize_bundle_version",
    "unpack_workflow_bundle",
    "verify_workflow_bundle",
    "workflow_bundle_manifest_from_dict",
    "workflow_bundle_manifest_to_dict",
]
