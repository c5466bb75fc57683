package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
)

func completionCommand() *cobra.Command {
	shells := map[string]func(root *cobra.Command, out io.Writer) error{
		"bash": func(root *cobra.Command, out io.Writer) error { return root.GenBashCompletionV2(out, true) },
		"zsh":  (*cobra.Command).GenZshCompletion,
		"fish": func(root *cobra.Command, out io.Writer) error { return root.GenFishCompletion(out, true) },
	}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "print what a shell needs to complete snatd's commands",
		Long: `Completion prints a script for a shell, which completes commands, flags and their values;
pods too, where the daemon answers.

  bash  needs the package bash-completion; put it into /etc/bash_completion.d
  zsh   put it as _snatd into a folder of $fpath
  fish  put it as snatd.fish into ~/.config/fish/completions`,
		Example: `  snatd completion bash > /etc/bash_completion.d/snatd
  snatd completion zsh > "${fpath[1]}/_snatd"
  snatd completion fish > ~/.config/fish/completions/snatd.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args:      cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			write := shells[arguments[0]]
			if write == nil {
				return fmt.Errorf("shell %.300q, accepted: bash, zsh, fish", arguments[0])
			}
			return write(command.Root(), command.OutOrStdout())
		},
	}
}

// completionPatience is how long somebody who types waits for names of pods.
const completionPatience = 2 * time.Second

// completePods completes a flag by the pods that the daemon decides for; by nothing if it
// does not answer.
func (f *configFlags) completePods(command *cobra.Command, flag string) {
	complete(command, flag, func(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		cfg, err := f.load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(command.Context(), completionPatience)
		defer cancel()
		installed, _ := api.NewClient(cfg.Socket).Installed(ctx)
		var pods []cobra.Completion
		for _, subject := range installed.Subjects {
			if subject.Address.IsValid() {
				pods = append(pods, cobra.CompletionWithDesc(subject.Name, subject.Address.String()))
			}
		}
		return pods, cobra.ShellCompDirectiveNoFileComp
	})
}

// complete says how a flag of a command is completed.
func complete(command *cobra.Command, flag string, by cobra.CompletionFunc) {
	_ = command.RegisterFlagCompletionFunc(flag, by) // fails for unknown flags only
}

// files completes by files whose names end so, and by folders.
func files(endings ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return endings, cobra.ShellCompDirectiveFilterFileExt
	}
}
