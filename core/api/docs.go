package api

import (
	"io/fs"
	"net/http"
	"path"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	swagger "github.com/swaggo/files/v2"
)

// document describes the API as a whole.
func (s *Server) document() huma.Config {
	cfg := huma.DefaultConfig("Tradewind", s.cfg.Version)
	cfg.CreateHooks = nil // no $schema links in answers
	cfg.DocsPath, cfg.SchemasPath = "", ""
	cfg.RejectUnknownQueryParameters = true
	cfg.Transformers = append(cfg.Transformers, problemTransformer)
	cfg.Info.Description = "A multi-cloud broker for resellers. Amounts are decimal strings in the currency beside them, times are RFC 3339 in UTC, ids are UUIDs ordered by time. Lists are paged with cursors. Errors are RFC 9457 problems."
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"ticket": {Type: "apiKey", In: "query", Name: "ticket", Description: "Made for one use within seconds, for clients that cannot send headers"},
		"bearer": {Type: "http", Scheme: "bearer", Description: "A session of POST /v1/sessions or an API token of POST /v1/tokens"},
	}
	return cfg
}

// initializer starts the viewer on our own document.
const initializer = `window.onload = function () {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, docExpansion: "none",
    filter: true, tryItOutEnabled: false, persistAuthorization: false, validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset], layout: "BaseLayout"
  });
};
`

// docsPolicy lets the page load nothing from elsewhere.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"

// docs serves the reference viewer from the binary, so that it works offline.
func (s *Server) docs() {
	s.app.Get("/docs", func(c *fiber.Ctx) error { return c.Redirect("/docs/index.html", http.StatusMovedPermanently) })
	s.app.Get("/docs/swagger-initializer.js", func(c *fiber.Ctx) error {
		c.Type("js")
		return c.SendString(initializer)
	})
	s.app.Get("/docs/:file", func(c *fiber.Ctx) error {
		name := path.Base(c.Params("file"))
		body, err := fs.ReadFile(swagger.FS, name)
		if err != nil {
			return fiber.ErrNotFound
		}
		c.Set("Content-Security-Policy", docsPolicy)
		c.Type(path.Ext(name))
		return c.Send(body)
	})
}
