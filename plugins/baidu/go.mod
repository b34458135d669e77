module tradewind.example/plugins/baidu

go 1.26.0

require (
	github.com/baidubce/bce-sdk-go v0.9.277
	github.com/google/go-cmp v0.7.0
	go.uber.org/goleak v1.3.0
	gopkg.in/yaml.v3 v3.0.1
	pgregory.net/rapid v1.3.0
)

require github.com/kr/text v0.2.0 // indirect

replace tradewind.example/sdk => ../../sdk
