package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/convert"
	"github.com/snatd/snatd/host/document"
	"github.com/snatd/snatd/host/file"
)

func convertCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "convert",
		Short: "make a configuration from that of another program; needs no root and no daemon",
		Long: `Convert prints a configuration of snatd that does what the configuration of another
program does. Its comments say what each value is from. What snatd does otherwise, or has
no setting for, is in its last comments, and on standard error.

The AWS VPC CNI plugin has no configuration file: snatd reads the same variables.`,
		Example: `  snatd convert ip-masq-agent agent.yaml > converted.yaml`,
		Args:    knownCommand,
		RunE:    func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(convertIPMasqAgentCommand())
	return command
}

func convertIPMasqAgentCommand() *cobra.Command {
	var flags convert.AgentFlags
	command := &cobra.Command{
		Use:   "ip-masq-agent FILE",
		Short: "from ip-masq-agent's configuration, in YAML or JSON",
		Long: `Ip-masq-agent prints the configuration that decides as ip-masq-agent does with FILE, which
its container has at /etc/config/ip-masq-agent. An empty file stands for its defaults.

Keys that are not spelt as ip-masq-agent's page has them are errors, although it reads them
in upper and lower case alike, and overlooks those that it does not know. What it refuses is
an error too. With its flag --nomasq-all-reserved-ranges its default is another one, and
without --enable-ipv6 it refuses CIDRs of IPv6: say here with which of them it runs.

It needs the names of the pods' interfaces in network.podInterfaces, and a facts file that
says "vpc: {cidrs: [127.0.0.0/8]}", a network where no packet of a pod goes: ip-masq-agent
knows no VPC.`,
		Example: `  snatd convert ip-masq-agent agent.yaml > converted.yaml`,
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%d arguments, accepted: one file, ip-masq-agent's configuration", len(arguments))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files of any name: the agent's has no ending
		},
	}
	command.Flags().BoolVar(&flags.AllReservedRanges, "nomasq-all-reserved-ranges", false, "the agent runs with this flag")
	command.Flags().BoolVar(&flags.EnableIPv6, "enable-ipv6", false, "the agent runs with this flag")
	addOutput(command, "yaml")
	command.RunE = func(command *cobra.Command, arguments []string) error {
		data, err := file.Read(arguments[0], document.Limit)
		if err != nil {
			return err
		}
		result, err := convert.IPMasqAgent(arguments[0], data, flags)
		if err != nil {
			return err
		}
		for _, note := range result.Notes {
			fmt.Fprintln(command.ErrOrStderr(), "snatd:", note)
		}
		_, err = command.OutOrStdout().Write(result.YAML)
		return err
	}
	return command
}
