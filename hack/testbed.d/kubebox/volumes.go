package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const provisioner = "testbed/volumes"

// The controller manager's own provisioner makes directories that only root can write, and the kubelet changes no owner
// of a hostPath. These are for everyone, before the volume exists.
type directories struct{ root string }

func (d directories) Provision(_ context.Context, wanted controller.ProvisionOptions) (*core.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(d.root, wanted.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(path, 0o777); err != nil { // whatever the umask
		return nil, controller.ProvisioningFinished, err
	}
	volume := &core.PersistentVolume{}
	volume.Name = wanted.PVName
	volume.Spec = core.PersistentVolumeSpec{
		AccessModes:                   wanted.PVC.Spec.AccessModes,
		Capacity:                      core.ResourceList{core.ResourceStorage: wanted.PVC.Spec.Resources.Requests[core.ResourceStorage]},
		PersistentVolumeReclaimPolicy: *wanted.StorageClass.ReclaimPolicy,
		PersistentVolumeSource:        core.PersistentVolumeSource{HostPath: &core.HostPathVolumeSource{Path: path}},
	}
	return volume, controller.ProvisioningFinished, nil
}

func (d directories) Delete(_ context.Context, volume *core.PersistentVolume) error {
	return os.RemoveAll(filepath.Join(d.root, volume.Name))
}

func newVolumesCommand() *cobra.Command {
	var kubeconfig, root string
	command := &cobra.Command{
		Use: "volumes",
		RunE: func(command *cobra.Command, _ []string) error {
			access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(access)
			if err != nil {
				return err
			}
			serving := controller.NewProvisionController(
				command.Context(), client, provisioner, directories{root}, controller.LeaderElection(false))
			serving.Run(command.Context())
			return nil
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&root, "root", "", "the directory that holds the volumes")
	return command
}
