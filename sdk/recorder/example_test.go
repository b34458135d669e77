package recorder_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"tradewind.example/sdk/cloudhttp"
	"tradewind.example/sdk/recorder"
	"tradewind.example/sdk/secret"
)

// Record once against the cloud, then replay without it.
func Example() {
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"regions":["east"],"api_key":"key-of-the-account"}`))
	}))
	dir, err := os.MkdirTemp("", "recording")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "regions.har")
	scrub := recorder.Scrub{Values: []secret.Value{secret.New("key-of-the-account")}}

	recording, err := recorder.Record(nil, scrub)
	if err != nil {
		fmt.Println(err)
		return
	}
	ask(recording, cloud.URL)
	cloud.Close()
	if err := recording.Save(file); err != nil {
		fmt.Println(err)
		return
	}

	replayed, err := recorder.Replay(file, scrub)
	if err != nil {
		fmt.Println(err)
		return
	}
	ask(replayed, "https://nobody.example")
	fmt.Println(replayed.Unused())
	// Output:
	// {"regions":["east"],"api_key":"key-of-the-account"}
	// {"api_key":"******","regions":["east"]}
	// <nil>
}

// ask makes one request through a transport, as a plugin's client does.
func ask(transport http.RoundTripper, url string) {
	c := cloudhttp.New(cloudhttp.Config{Transport: transport})
	resp, err := c.Do(context.Background(), cloudhttp.Request{URL: url + "/v1/regions"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(resp.Body))
}
