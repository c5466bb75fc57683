// Command gen writes what follows from the schema of facts: the accessors of
// sdk.Facts, the keys in sdk/abi, and the page FACTS.md. `go generate ./sdk`
// runs it in the folder sdk.
//
// It knows the shape of the schema and of its outputs; what a fact means is
// said in the schema only.
package main

import (
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	text, err := os.ReadFile("schema/facts.json")
	if err != nil {
		log.Fatal(err)
	}
	files, err := generate(text)
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
