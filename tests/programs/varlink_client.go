// A client of the control socket made with a Varlink library that is not ours (github.com/varlink/go): it looks, starts, stops
// and follows, and says what it got as one JSON object. What that should be is checks_varlink.py's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/varlink/go/varlink"
	"github.com/varlink/go/varlink/idl"
)

const manager = "org.miniinit.Manager"

type unit struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	MainPid int    `json:"main_pid"`
}

type event struct {
	Kind  string `json:"kind"`
	Unit  string `json:"unit"`
	State string `json:"state"`
}

type units struct {
	Units []unit `json:"units"`
}

type results struct {
	Event   *event `json:"event"`
	Results []struct {
		Unit    string `json:"unit"`
		Ok      bool   `json:"ok"`
		State   string `json:"state"`
		Message string `json:"message"`
	} `json:"results"`
}

type names struct {
	Units []string `json:"units"`
}

type failure struct {
	Name       string
	Parameters json.RawMessage
}

type report struct {
	Vendor, Product string
	Interfaces      []string
	Methods, Errors []string // of the description, as the library reads it
	Listed          []unit
	Started         results
	Progress        []event // while it stops
	Stopped         results
	Seen            []string // events of the unit, as "state"
	Failures        []failure
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ask calls and gives the error, if it is one of the service's.
func ask(ctx context.Context, c *varlink.Connection, method string, in interface{}, out interface{}) *failure {
	err := c.Call(ctx, method, in, out)
	if known, is := err.(*varlink.Error); is {
		parameters, _ := known.Parameters.(*json.RawMessage)
		if parameters == nil {
			return &failure{known.Name, nil}
		}
		return &failure{known.Name, *parameters}
	}
	if err != nil {
		text, _ := json.Marshal(err)
		return &failure{fmt.Sprintf("%T", err), text}
	}
	return nil
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connection, err := varlink.NewConnection(ctx, "unix:"+os.Args[1])
	must(err)
	defer connection.Close()
	var told report

	must(connection.GetInfo(ctx, &told.Vendor, &told.Product, nil, nil, &told.Interfaces))
	text, err := connection.GetInterfaceDescription(ctx, manager)
	must(err)
	// Its parser knows only the older rule for names, without capitals (systemd's io.systemd.Resolve would not do either).
	description, err := idl.New(strings.Replace(text, "interface "+manager, "interface "+strings.ToLower(manager), 1))
	must(err)
	for _, member := range description.Members {
		switch member := member.(type) {
		case *idl.Method:
			told.Methods = append(told.Methods, member.Name)
		case *idl.Error:
			told.Errors = append(told.Errors, member.Name)
		}
	}

	receive, err := connection.Send(ctx, manager+".List", map[string]bool{"all": true}, varlink.More)
	must(err)
	for flags := uint64(varlink.Continues); flags&varlink.Continues != 0; {
		var portion units
		flags, err = receive(ctx, &portion)
		must(err)
		told.Listed = append(told.Listed, portion.Units...)
	}

	// Events on a connection of their own; what happened before the subscription was answered is not among them.
	follower, err := varlink.NewConnection(ctx, "unix:"+os.Args[1])
	must(err)
	defer follower.Close()
	next, err := follower.Send(ctx, manager+".Events", names{[]string{"other"}}, varlink.More)
	must(err)
	follow := func(until string) {
		for state := ""; state != until; {
			var one struct {
				Event event `json:"event"`
			}
			_, err := next(ctx, &one)
			must(err)
			if state = one.Event.State; one.Event.Unit == "other" && state != "" {
				told.Seen = append(told.Seen, state)
			}
		}
	}

	must(connection.Call(ctx, manager+".Start", names{[]string{"other"}}, &told.Started))
	follow("up")
	receive, err = connection.Send(ctx, manager+".Stop", names{[]string{"other"}}, varlink.More)
	must(err)
	for flags := uint64(varlink.Continues); flags&varlink.Continues != 0; {
		told.Stopped = results{}
		flags, err = receive(ctx, &told.Stopped)
		must(err)
		if told.Stopped.Event != nil {
			told.Progress = append(told.Progress, *told.Stopped.Event)
		}
	}
	follow("down")

	for _, call := range []struct {
		method string
		in     interface{}
	}{
		{"Status", names{[]string{"othre"}}},
		{"Start", map[string]int{"units": 7}},
		{"Fly", nil},
		{"Events", names{}},
	} {
		if got := ask(ctx, connection, manager+"."+call.method, call.in, nil); got != nil {
			told.Failures = append(told.Failures, *got)
		}
	}
	out, err := json.Marshal(told)
	must(err)
	fmt.Println(string(out))
}
