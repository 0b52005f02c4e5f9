"""What people see: report data (sections, sheets) apart from report look (templates, charts, workbook)."""
