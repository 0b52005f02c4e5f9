"""What people see: report data (frozen values in sections) apart from report look (templates, charts, workbook)."""
