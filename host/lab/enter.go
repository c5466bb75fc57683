package lab

import "github.com/snatd/snatd/host/netspace"

// Enter runs main where labs can be built, as [netspace.Enter] does, and gives it
// an empty directory [Files].
func Enter(main func() int) (code int, err error) {
	var failed error
	code, err = netspace.Enter(func() int {
		if failed = privateFiles(); failed != nil {
			return 1
		}
		return main()
	})
	if failed != nil {
		return code, netspace.Explain(failed)
	}
	return code, err
}
