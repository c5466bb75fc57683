// Command gen writes what follows from the schema of facts and from the ABI in
// sdk/abi: accessors and declarations for every language, the tables of ABI.md,
// and the page FACTS.md. `go generate ./sdk` runs it in the folder sdk.
//
// It knows the shape of its inputs and of its outputs; what a fact means is said
// in the schema only, and what a function does in the comments of sdk/abi.
package main

import (
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	files, err := generate(os.DirFS("."))
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
