module tradewind.example/plugins/ucloud

go 1.26.0

require tradewind.example/sdk v0.0.0

require (
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/konsorten/go-windows-terminal-sequences v1.0.1 // indirect
	github.com/pkg/errors v0.8.0 // indirect
	github.com/sirupsen/logrus v1.3.0 // indirect
	github.com/ucloud/ucloud-sdk-go v0.22.17 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/crypto v0.0.0-20191011191535-87dc89f01550 // indirect
	golang.org/x/sys v0.48.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace tradewind.example/sdk => ../../sdk
