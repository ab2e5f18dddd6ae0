//go:build tools

// Package kube pins, through go.mod and go.sum, the Kubernetes programs that
// build.sh compiles for the tests. Nothing here is compiled into Connectors.
package kube

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
