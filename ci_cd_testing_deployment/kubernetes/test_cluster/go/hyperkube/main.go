// All of Kubernetes and its store in one binary. The name it is called by chooses the component.
//
// They share most of their packages: one link instead of seven, and a third of the size.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	_ "time/tzdata" // CronJobs name time zones, and the node may have no files of them

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"

	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func end(command *cobra.Command) { os.Exit(cli.Run(command)) }

func kubectl() {
	logs.GlogSetter(cmd.GetLogVerbosity(os.Args)) //nolint:errcheck // a wrong verbosity is reported by the flag itself
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}

// Made only when called: a command registers its flags and metrics globally, and two would collide.
var components = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          func() { end(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() { end(controllers.NewControllerManagerCommand()) },
	"kube-proxy":              func() { end(proxy.NewProxyCommand()) },
	"kube-scheduler":          func() { end(scheduler.NewSchedulerCommand()) },
	"kubectl":                 kubectl,
	"kubelet":                 func() { end(kubelet.NewKubeletCommand(context.Background())) },
}

func main() {
	start, known := components[filepath.Base(os.Args[0])]
	if !known {
		fmt.Fprintln(os.Stderr, "call it by one of these names:", slices.Sorted(maps.Keys(components)))
		os.Exit(2)
	}
	start()
}
