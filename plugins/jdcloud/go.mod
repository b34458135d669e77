module tradewind.example/plugins/jdcloud

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/jdcloud-api/jdcloud-sdk-go v1.64.0
	go.uber.org/goleak v1.3.0
	gopkg.in/yaml.v3 v3.0.1
)

require (
	github.com/gofrs/uuid v4.4.0+incompatible // indirect
	github.com/kr/text v0.2.0 // indirect
)
